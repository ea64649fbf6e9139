"""The real Lytics adapter makes every call of the product against the Lytics twin."""

from collections.abc import Iterator
from typing import Any

import pytest

from lytics_sendgrid.errors import KeyRefused, RequestRefused, RetryLater
from lytics_sendgrid.lytics.api import Lytics, lytics_at
from tests.contract.subscription import counts
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.receiver import Receiver
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin

Json = dict[str, Any]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def twin(clock: ManualClock) -> Iterator[LyticsTwin]:
    with LyticsTwin(clock=clock, initializing_s=5) as running:
        yield running


@pytest.fixture
def lytics(twin: LyticsTwin) -> Lytics:
    return lytics_at(twin.url, DEFAULT_TOKEN)


def read_all(lytics: Lytics, audience: str) -> list[Any]:
    """Return the rows of a whole scan."""
    page = lytics.scan_page(audience, "", ["email", "city"])
    rows = list(page.rows)
    while page.cursor:
        page = lytics.scan_page(audience, page.cursor, ["email", "city"])
        rows += page.rows
    return rows


def test_audiences_are_listed_found_and_counted(twin: LyticsTwin, lytics: Lytics) -> None:
    ids = twin.populate(60, 3, seed=1)
    listed = lytics.audiences()
    assert [item.id for item in listed] == ids
    for reference in (ids[1], "newsletter_readers", "Newsletter Readers"):
        assert [item.id for item in lytics.find_audiences(reference, listed)] == [ids[1]]
    assert lytics.audience("nothing") is None
    assert lytics.sizes(ids) == {item.id: item.size for item in listed}


def test_schema_has_field_types(lytics: Lytics) -> None:
    fields = lytics.schema_fields()
    assert (fields["email"], fields["visit_count"], fields["interests"]) == ("string", "int", "[]string")


@pytest.mark.parametrize(
    "fault", [{}, {"scan_next_key": "next"}, {"scan_empty_page_every": 2}, {"scan_duplicate_rate": 0.3}]
)
def test_scan_finds_every_member(
    twin: LyticsTwin, lytics: Lytics, clock: ManualClock, fault: dict[str, Any]
) -> None:
    audience, *_ = twin.populate(500, 2, seed=1)
    twin.set_faults(**fault)
    assert {row["email"].lower() for row in read_all(lytics, audience)} == twin.members(audience)
    assert lytics.scan_page(audience, "", ["email"]).date_ns == clock.wall_ns()


def test_stale_cursor_is_refused(twin: LyticsTwin, lytics: Lytics, clock: ManualClock) -> None:
    audience, *_ = twin.populate(500, 2, seed=1)
    cursor = lytics.scan_page(audience, "", ["email"]).cursor
    clock.advance(301)
    with pytest.raises(RequestRefused):
        lytics.scan_page(audience, cursor, ["email"])


def test_person_is_found_with_memberships_or_missing(twin: LyticsTwin, lytics: Lytics) -> None:
    audience = twin.add_audience("Any")
    twin.add_profile({"email": "o'neil+1@example.com", "city": "Lyon"}, [audience])
    person = lytics.person("email", "o'neil+1@example.com", ["email", "city"])
    assert person is not None
    assert (person.fields["city"], person.audience_ids) == ("Lyon", frozenset({audience}))
    assert lytics.person("email", "nobody@example.com") is None
    twin.set_faults(entity_timed_out=True)
    with pytest.raises(RetryLater):
        lytics.person("email", "o'neil+1@example.com")


@pytest.mark.parametrize(
    "fault",
    [
        {"api_429_rate": 1},
        {"api_5xx_rate": 1},
        {"api_html_rate": 1},
        {"api_truncate_rate": 1},
        {"api_drop_rate": 1},
    ],
)
def test_broken_answer_is_retried_later(twin: LyticsTwin, lytics: Lytics, fault: dict[str, Any]) -> None:
    audience, *_ = twin.populate(5, 1, seed=1)
    twin.set_faults(**fault)
    with pytest.raises(RetryLater):
        lytics.scan_page(audience, "", ["email"])


def test_wrong_token_stops_the_run(twin: LyticsTwin) -> None:
    with pytest.raises(KeyRefused):
        lytics_at(twin.url, "wrong").audiences()


def test_webhook_job_is_created_and_delivers(twin: LyticsTwin, lytics: Lytics, clock: ManualClock) -> None:
    audience, *_ = twin.populate(20, 1, seed=1, outside=1)
    with Receiver() as receiver:
        auth = lytics.create_header_authorization("SendGrid export", {"X-Lytics-Secret": "old"})
        lytics.update_header_authorization(auth.id, "SendGrid export", {"X-Lytics-Secret": "new"})
        assert lytics.header_authorizations() == (auth,)
        config = {
            "segment_ids": [audience],
            "webhook_url": receiver.url,
            "batch_requests": True,
            "batch_size": 5,
        }
        job = lytics.create_webhook_job(
            {"name": "Export", "description": "", "auth_ids": [auth.id], "config": config}
        )
        assert job.status == "initializing"
        clock.advance(5)
        running = lytics.job(job.id)
        assert running is not None
        assert running.status == "running"
        lytics.update_webhook_job(job.id, {**running.document, "config": {**config, "batch_size": 10}})
        for profile in twin.profiles():
            twin.enter(profile.id, audience)
        assert twin.drain(5)
        assert [len(batch) for batch in receiver.accepted] == [10, 10]
        assert {delivery.headers["x-lytics-secret"] for delivery in receiver.deliveries} == {"new"}
    assert counts(twin)["added"] == 20
    assert [item.id for item in lytics.jobs("webhook_triggers")] == [job.id]
    assert lytics.job("none") is None


def test_invalid_job_is_refused(lytics: Lytics) -> None:
    with pytest.raises(RequestRefused):
        lytics.create_webhook_job({"name": "Export", "auth_ids": ["none"], "config": {}})


def test_every_request_is_documented_by_lytics(twin: LyticsTwin, lytics: Lytics) -> None:
    audience, *_ = twin.populate(5, 1, seed=1)
    lytics.audiences()
    lytics.audience(audience)
    lytics.sizes([audience])
    lytics.schema_fields()
    lytics.scan_page(audience, "", ["email"])
    lytics.person("email", "nobody@example.com")
    lytics.jobs()
    lytics.header_authorizations()
    assert twin.requests() == {
        "GET /v2/segment": 1,
        "GET /api/segment/{segment}": 1,
        "GET /api/segment/sizes": 1,
        "GET /v2/schema/{table}/field": 1,
        "GET /api/segment/{segment}/scan": 1,
        "GET /api/entity/{table}/{field}/{value}": 1,
        "GET /v2/job": 1,
        "GET /v2/auth": 1,
    }
