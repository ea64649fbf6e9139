"""The adapters that take away what an export made, against both twins."""

from collections.abc import Iterator

import pytest

from lytics_sendgrid.errors import KeyRefused, RetryLater
from lytics_sendgrid.lytics.api import Lytics, lytics_at
from lytics_sendgrid.sendgrid.api import SendGrid, sendgrid_at
from tests.contract.sendgrid_scene import UNKNOWN_ID, Scene, scene_of
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin
from tests.local.sendgrid_twin.options import Fault, FaultKind

QUERY = "SELECT contact_id, updated_at FROM contact_data"


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


@pytest.fixture
def sendgrid(scene: Scene) -> SendGrid:
    return sendgrid_at(scene.twin.url, "SG.full")


@pytest.fixture
def twin() -> Iterator[LyticsTwin]:
    with LyticsTwin(clock=ManualClock(), initializing_s=0) as running:
        yield running


@pytest.fixture
def lytics(twin: LyticsTwin) -> Lytics:
    return lytics_at(twin.url, DEFAULT_TOKEN)


def job_of(twin: LyticsTwin, lytics: Lytics) -> str:
    config = {"segment_ids": [twin.add_audience("Any")], "webhook_url": "https://hooks.example.com/lytics/x"}
    auth = lytics.create_header_authorization("SendGrid export", {"X-Lytics-Secret": "shown"})
    return lytics.create_webhook_job({"name": "Export", "auth_ids": [auth.id], "config": config}).id


def test_segment_is_read_and_deleted_once(sendgrid: SendGrid) -> None:
    made = sendgrid.create_segment("Readers", QUERY, None)
    read = sendgrid.find_segment(made.id)
    assert read is not None
    assert (read.name, read.query) == ("Readers", QUERY)
    assert sendgrid.delete_segment(made.id)
    assert sendgrid.find_segment(made.id) is None
    assert not sendgrid.delete_segment(made.id)
    assert sendgrid.segments() == ()


def test_key_that_may_not_write_deletes_no_segment(scene: Scene, sendgrid: SendGrid) -> None:
    made = sendgrid.create_segment("Readers", QUERY, None)
    with pytest.raises(KeyRefused):
        sendgrid_at(scene.twin.url, "SG.read-only").delete_segment(made.id)
    assert sendgrid.find_segment(made.id) is not None


def test_single_sends_that_are_scheduled_show_their_segments(scene: Scene, sendgrid: SendGrid) -> None:
    for number in range(150):
        scene.twin.add_single_send(f"Draft {number}", ["s1"], "draft")
    scene.twin.add_single_send("Sent", ["s1"], "triggered")
    scene.twin.add_single_send("Christmas", ["s1", "s2"])
    scene.twin.add_single_send("Odd", ["s3"], "paused")
    found = {send.name: set(send.segment_ids) for send in sendgrid.scheduled_single_sends()}
    assert found == {"Christmas": {"s1", "s2"}, "Odd": {"s3"}}
    assert scene.twin.requests() == {
        "GET /v3/marketing/singlesends": 2,
        "GET /v3/marketing/singlesends/{id}": 2,
    }


def test_single_sends_that_cannot_be_read_are_not_none(scene: Scene) -> None:
    with pytest.raises(KeyRefused):
        sendgrid_at(scene.twin.url, "SG.no-marketing").scheduled_single_sends()
    scene.twin.set_faults(Fault(kind=FaultKind.SERVER_ERROR))
    with pytest.raises(RetryLater):
        sendgrid_at(scene.twin.url, "SG.full").scheduled_single_sends()


def test_twin_knows_a_single_send_by_its_id(scene: Scene) -> None:
    assert scene.call("GET", f"/v3/marketing/singlesends/{UNKNOWN_ID}").status_code == 404
    assert scene.call("GET", "/v3/marketing/singlesends?page_size=x").status_code == 400
    assert scene.call("POST", "/_twin/single-sends", {"name": "x", "segment_ids": []}).status_code == 200
    scene.twin.add_list("News")
    assert scene.call("GET", "/_twin/names").json() == {
        "custom_fields": [],
        "lists": ["News"],
        "segments": [],
    }


def test_job_is_paused_resumed_and_deleted(twin: LyticsTwin, lytics: Lytics) -> None:
    job_id = job_of(twin, lytics)

    def status() -> str | None:
        job = lytics.job(job_id)
        return job.status if job else None

    assert lytics.pause_job(job_id)
    assert lytics.pause_job(job_id)
    assert status() == "paused"
    assert lytics.resume_job(job_id)
    assert status() == "running"
    twin.jobs()[0].stop("failed")
    assert lytics.restart_job(job_id)
    assert status() == "running"
    assert lytics.delete_job(job_id)
    assert status() is None
    assert lytics.jobs() == ()


def test_job_that_is_gone_is_not_an_error(lytics: Lytics) -> None:
    assert not lytics.pause_job("none")
    assert not lytics.resume_job("none")
    assert not lytics.restart_job("none")
    assert not lytics.delete_job("none")


def test_token_that_may_not_control_jobs_is_refused(twin: LyticsTwin, lytics: Lytics) -> None:
    job_id = job_of(twin, lytics)
    twin.set_faults(refuse_commands=True)
    with pytest.raises(KeyRefused):
        lytics.pause_job(job_id)


def test_header_authorization_is_deleted_once(lytics: Lytics) -> None:
    made = lytics.create_header_authorization("SendGrid export", {"X-Lytics-Secret": "shown"})
    assert lytics.delete_header_authorization(made.id)
    assert lytics.header_authorizations() == ()
    assert not lytics.delete_header_authorization(made.id)
