"""Which job in Lytics is an export's."""

from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import job_of, webhook_url

BASE = "https://hooks.example.com/v1"
URL = f"{BASE}/lytics/newsletter"


def job(identity: str, status: str, url: str) -> LyticsJob:
    return LyticsJob(identity, identity, "webhook_triggers", status, {"webhook_url": url}, (), {})


def test_webhook_url_ends_with_the_export() -> None:
    assert webhook_url(BASE, "newsletter") == webhook_url(f"{BASE}/", "newsletter") == URL


def test_stored_id_comes_before_the_url() -> None:
    by_url, by_id = job("a", "running", URL), job("b", "paused", "https://elsewhere.example.com")
    assert job_of((by_url, by_id), "b", URL) is by_id
    assert job_of((by_url, by_id), "gone", URL) is by_url
    assert job_of((by_id,), None, URL) is None


def test_job_that_is_gone_is_nobodys() -> None:
    assert job_of((job("a", "deleted", URL), job("b", "completed", URL)), "a", URL) is None
