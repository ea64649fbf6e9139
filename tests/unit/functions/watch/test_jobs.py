"""What a webhook job's status means for a live export."""

import dataclasses

import pytest

from functions.watch.jobs import Restart, job_trouble, restart_of
from lytics_sendgrid.lytics.documents import LyticsJob
from tests.newsletter import NEWSLETTER

LIVE = dataclasses.replace(NEWSLETTER, lytics_job="j1")


def job(status: str) -> LyticsJob:
    return LyticsJob("j1", "SendGrid export newsletter", "webhook_triggers", status, {}, (), {})


@pytest.mark.parametrize("status", ["running", "sleeping", "initializing", "fault-3", "unknown"])
def test_job_that_runs_starts_or_retries_is_no_trouble(status: str) -> None:
    assert (job_trouble(LIVE, job(status)), restart_of(job(status))) == ("", None)


@pytest.mark.parametrize(
    ("status", "words", "restart"),
    [
        ("failed", "has failed, so no event comes", Restart.BOUNCE),
        ("paused", "is paused, although the export is not stopped", Restart.RESUME),
        ("pausing", "is pausing, although the export is not stopped", None),
    ],
)
def test_job_that_does_not_run_is_named(status: str, words: str, restart: Restart | None) -> None:
    text = job_trouble(LIVE, job(status))
    assert text.startswith(
        f"Lytics' webhook job 'SendGrid export newsletter' (j1) of the export 'newsletter' {words}"
    )
    assert "resync" in text
    assert restart_of(job(status)) is restart


def test_job_that_is_gone_needs_a_start() -> None:
    assert "no webhook job j1" in job_trouble(LIVE, None)
    assert "start the export again" in job_trouble(LIVE, None)
    assert restart_of(None) is None


def test_export_without_a_job_of_ours_is_no_trouble() -> None:
    assert job_trouble(NEWSLETTER, None) == ""
    assert job_trouble(NEWSLETTER, job("failed"))
