"""SendGridContacts against the twin: the same verdicts as the double, and only documented requests."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from functions.deliver.exchange import Contacts
from functions.deliver.row_queue import upsert_body
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.errors import KeyRefused, RequestRefused, RetryLater
from lytics_sendgrid.sendgrid.contacts import MAX_WAIT_S, PATH, SendGridContacts, sendgrid_http
from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
)
from lytics_sendgrid.transport.client import Answer
from tests.clock import ManualClock
from tests.contract.openapi import VARIABLE, OpenApi
from tests.contract.sendgrid_scene import UNKNOWN_ID, Scene, scene_of
from tests.doubles.http import ScriptedHttp
from tests.doubles.upserts import SendGridUpserts
from tests.local.sendgrid_twin.options import Fault, FaultKind, Options
from tests.unit.functions.deliver.deliver_scene import Scene as DeliverScene
from tests.unit.functions.deliver.example_changes import message
from tests.unit.functions.deliver.example_export import EXPORT, READERS, VIEW

ANN = '{"email":"ann@example.org"}'
BAD = '{"email":"bad@example.org"}'


def adapter(scene: Scene, key: str = "SG.full") -> SendGridContacts:
    return SendGridContacts(sendgrid_http(scene.twin.url, key), ManualClock(scene.clock()))


@contextmanager
def the_twin(*, names_addresses: bool = True) -> Iterator[Contacts]:
    faults = () if names_addresses else (Fault(kind=FaultKind.NAMELESS_400),)
    with scene_of(Options(refuse_emails="^bad@"), *faults) as scene:
        yield adapter(scene)


@contextmanager
def the_double(*, names_addresses: bool = True) -> Iterator[Contacts]:
    double = SendGridUpserts(ManualClock())
    double.bad_addresses = {"bad@example.org"}
    double.field_ids, double.lists = set(), set()
    double.names_addresses = names_addresses
    yield double


@pytest.mark.parametrize("side", [the_twin, the_double])
@pytest.mark.parametrize(
    ("rows", "lists", "verdict"),
    [
        ([ANN], [], Accepted),
        ([ANN, BAD], [], BadAddresses),
        ([ANN], [UNKNOWN_ID], RequestFault),
        (['{"email":"ann@example.org","custom_fields":{"e9_T":"x"}}'], [], RequestFault),
    ],
    ids=["accepted", "bad address", "unknown list", "unknown field"],
)
def test_twin_and_double_return_the_same_verdict(
    side: Callable[[], Any], rows: list[str], lists: list[str], verdict: type[Verdict]
) -> None:
    with side() as contacts:
        given = contacts.upsert(upsert_body(rows, lists), 5.0)
        assert isinstance(given, verdict)
        if isinstance(given, BadAddresses):
            assert given.addresses == {"bad@example.org"}


@pytest.mark.parametrize("side", [the_twin, the_double])
def test_refusal_may_name_nobody(side: Callable[..., Any]) -> None:
    with side(names_addresses=False) as contacts:
        assert isinstance(contacts.upsert(upsert_body([ANN, BAD], []), 5.0), RowsRefused)


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (Fault(kind=FaultKind.SERVER_ERROR, status=503), Unanswered),
        (Fault(kind=FaultKind.DROP_BEFORE), Unanswered),
        (Fault(kind=FaultKind.DROP_AFTER), Unanswered),
        (Fault(kind=FaultKind.HANG, seconds=0.6), Unanswered),
        (Fault(kind=FaultKind.NAMELESS_400), RowsRefused),
        (Fault(kind=FaultKind.FORBIDDEN), RequestFault),
    ],
    ids=lambda given: str(given.kind) if isinstance(given, Fault) else "",
)
def test_every_fault_is_a_verdict(fault: Fault, verdict: type[Verdict]) -> None:
    with scene_of(None, fault) as scene:
        assert isinstance(adapter(scene).upsert(upsert_body([ANN], []), 0.2), verdict)


def test_read_only_key_is_a_request_fault() -> None:
    with scene_of() as scene:
        verdict = adapter(scene, "SG.read-only").upsert(upsert_body([ANN], []), 5.0)
        assert isinstance(verdict, RequestFault)
        assert "SG." not in verdict.message


def test_closed_port_is_busy_and_not_unanswered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    contacts = SendGridContacts(sendgrid_http(f"http://127.0.0.1:{port}", "SG.full"), ManualClock())
    assert isinstance(contacts.upsert(upsert_body([ANN], []), 5.0), Busy)


def test_rate_limit_sets_the_next_request_time() -> None:
    with scene_of(None, Fault(kind=FaultKind.RATE_LIMITED, seconds=30, max_count=1)) as scene:
        contacts = adapter(scene)
        assert contacts.not_before() < scene.clock()
        verdict = contacts.upsert(upsert_body([ANN], []), 5.0)
        assert isinstance(verdict, Busy)
        assert 29 <= contacts.not_before() - scene.clock() <= 31


def test_last_request_of_a_period_delays_the_next() -> None:
    with scene_of(Options(limits={"*": (1, 60.0)})) as scene:
        contacts = adapter(scene)
        assert isinstance(contacts.upsert(upsert_body([ANN], []), 5.0), Accepted)
        assert 0 < contacts.not_before() - scene.clock() <= 60


@pytest.mark.parametrize(("asked", "wait_s"), [("30", 30.0), ("7200", MAX_WAIT_S)])
def test_retry_after_alone_delays_the_next_request(asked: str, wait_s: float) -> None:
    http = ScriptedHttp(Answer(429, {"retry-after": asked}, b""))
    contacts = SendGridContacts(http, ManualClock(1_795_000_000.0))
    contacts.upsert(b"{}", 5.0)
    assert contacts.not_before() == 1_795_000_000 + wait_s


def test_busy_job_is_polled_again_after_retry_after() -> None:
    http = ScriptedHttp(Answer(429, {"retry-after": "300"}, b"{}"))
    with pytest.raises(RetryLater) as raised:
        SendGridContacts(http, ManualClock()).job("j1")
    assert raised.value.retry_after_s == 300


@pytest.mark.parametrize("reset", ["1795000000000", "9e99"])
def test_implausible_reset_is_limited(reset: str) -> None:
    headers = {"x-ratelimit-reset": reset}
    http = ScriptedHttp(Answer(429, headers, b""))
    contacts = SendGridContacts(http, ManualClock(1_795_000_000.0))
    contacts.upsert(b"{}", 5.0)
    assert contacts.not_before() == 1_795_000_000 + MAX_WAIT_S


@pytest.mark.parametrize("reset", ["inf", "nan", "soon"])
def test_reset_that_is_not_a_time_is_ignored(reset: str) -> None:
    http = ScriptedHttp(Answer(429, {"x-ratelimit-reset": reset}, b""))
    contacts = SendGridContacts(http, ManualClock(1_795_000_000.0))
    contacts.upsert(b"{}", 5.0)
    assert contacts.not_before() < 0


def test_job_is_followed_by_its_id() -> None:
    with scene_of(Options(fail_emails="^later")) as scene:
        contacts = adapter(scene)
        verdict = contacts.upsert(upsert_body([ANN, '{"email":"later@example.org"}'], []), 5.0)
        assert isinstance(verdict, Accepted)
        assert contacts.job(verdict.job).status == "pending"
        scene.twin.settle()
        job = contacts.job(verdict.job)
        assert (job.status, job.counts["errored"]) == ("errored", 1)
        assert job.errors_url is not None
        assert b"later@example.org" in b"".join(contacts.errors_file(job.errors_url))
        assert contacts.job(UNKNOWN_ID).status == "unknown"


def test_job_id_cannot_leave_its_path() -> None:
    http = ScriptedHttp(Answer(200, {}, b'{"status":"completed"}'))
    SendGridContacts(http, ManualClock()).job("../../x?y")
    assert http.requests[0][1] == f"{PATH}/imports/..%2F..%2Fx%3Fy"


@pytest.mark.parametrize(("status", "error"), [(401, KeyRefused), (403, KeyRefused), (500, RetryLater)])
def test_job_without_answer_is_an_error_by_what_to_do(status: int, error: type[Exception]) -> None:
    http = ScriptedHttp(Answer(status, {}, b"{}"))
    with pytest.raises(error):
        SendGridContacts(http, ManualClock()).job("j1")


def test_errors_file_must_be_https() -> None:
    with pytest.raises(RequestRefused):
        list(
            SendGridContacts(sendgrid_http("http://127.0.0.1", "SG.full"), ManualClock()).errors_file(
                "ftp://example.org/x"
            )
        )


def test_every_delivery_request_is_documented_by_sendgrid() -> None:
    """Checks the requests of every kind of row and refusal with SendGrid's own OpenAPI files."""
    openapi = OpenApi.from_environment()
    if openapi is None:
        pytest.skip(f"{VARIABLE} does not name a folder with SendGrid's OpenAPI files")
    with scene_of(Options(refuse_emails="^bad@")) as scene:
        segments, city = scene.twin.add_field("lytics_segments"), scene.twin.add_field("city")
        list_id = scene.twin.add_list("Newsletter")
        scene.clock.advance(10)
        fields = (EXPORT.fields[0], replace(EXPORT.fields[1], sendgrid=city))
        form = replace(
            VIEW.form,
            audiences={READERS: segments},
            membership_field=segments,
            lists={list_id: VIEW.export.name},
        )
        view = replace(VIEW, export=replace(EXPORT, fields=fields, list_id=list_id), form=form)
        stage = DeliverScene(view)
        stage.others[EXPORT.authorization] = adapter(scene)
        named = {"first_name": "Ann" * 40, "city": "Zürich \x00🏔" * 400}
        stage.deliver(
            message(
                Change("ann@example.org", 5, Kind.ENTER, READERS, named),
                Change("bob@example.org", 5, Kind.EXIT, READERS),
                Change("cy@example.org", 5, Kind.CHANGE, READERS, {"first_name": "Cy"}),
                Change("bad@example.org", 5, Kind.ENTER, READERS),
            )
        )
        scene.twin.settle()
        held = {contact["email"]: contact for contact in scene.twin.contacts()}
        assert held.keys() == {"ann@example.org", "bob@example.org", "cy@example.org"}
        assert held["ann@example.org"]["custom_fields"]["lytics_segments"] == READERS
        assert held["bob@example.org"]["custom_fields"] == {"lytics_segments": "none"}
        assert held["cy@example.org"]["custom_fields"] == {}
        assert {one for contact in held.values() for one in contact["list_ids"]} == {list_id}
        exchanges = scene.twin.exchanges()
        assert [exchange.status for exchange in exchanges] == [400, 202]
        assert [problem for exchange in exchanges for problem in openapi.problems(exchange)] == []
