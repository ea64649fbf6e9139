"""A dead letter says why it is there, and can be redriven once."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.bad_events import MAX_ADDRESSES, MAX_SEPARATE
from functions.ingest.body import read
from functions.operate.dead_letters import RedrivePlan, dead_changes, dead_import, reject
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS
from lytics_sendgrid.queues.changes import MAX_HOPS, decode, encode
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage, import_body, import_from
from lytics_sendgrid.queues.rejects import MAX_SINGLE, reject_bodies, reject_body
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import HIGH_VALUE, NEWSLETTER, UNMANAGED

NOW_NS = 1_795_000_000_000_000_000
EARLIER_NS = NOW_NS - 10 * MAX_AHEAD_NS
LATE = "2026-11-18T11:00:00Z"
ENTER = Change("ann@example.org", NOW_NS, Kind.ENTER, HIGH_VALUE, {"city": "Oslo"})
JOB = ImportMessage(
    "default",
    "job-1",
    1_795_000_000_000,
    ("r1",),
    {"ann@example.org": ImportedContact("newsletter", "0a", 5)},
)


def changes_of(case: RedrivePlan) -> list[Change]:
    return [change for body in case.changes for change in decode(body).changes]


def envelope(event: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {
        "id": "7",
        "data": {"email": "ann@example.org", "city": "Oslo", "segment_events": [event], **data},
        "meta": {"timestamp": LATE},
    }


def entering(time: str = "2026-11-01T12:00:00Z", audience: str = HIGH_VALUE) -> dict[str, Any]:
    return {"id": audience, "event": "enter", "enter": time}


def rejects_of(document: Any, now_ns: int = NOW_NS) -> list[str]:
    return list(reject_bodies(read(document, NEWSLETTER, now_ns).rejected, "ingest", NEWSLETTER.name))


def test_dead_changes_are_redriven_as_uncertain_with_zero_hops() -> None:
    message = Message("newsletter", (ENTER,), 3, 17, 4, run="r1", number="n1", suspect=True)
    case = dead_changes(encode(message), exports_table(DynamoDb(), NEWSLETTER))
    (body,) = case.changes
    assert decode(body) == Message("newsletter", (ENTER,), 3, 17, 0, "r1", "n1", uncertain=True, suspect=True)
    assert case.stays is None
    assert case.imports == case.rejects == ()


def test_reason_of_dead_changes_is_crashes_or_too_many_requeues() -> None:
    died = dead_changes(encode(Message("newsletter", (ENTER,))), exports_table(DynamoDb(), NEWSLETTER))
    waited = dead_changes(
        encode(Message("newsletter", (ENTER,), hops=MAX_HOPS)), exports_table(DynamoDb(), NEWSLETTER)
    )
    assert died.why.startswith("export 'newsletter': deliver crashed")
    assert waited.why.startswith(f"export 'newsletter': requeued {MAX_HOPS} times")


def test_changes_that_cannot_be_delivered_stay() -> None:
    nobodys = dead_changes(encode(Message("gone", (ENTER,))), exports_table(DynamoDb(), NEWSLETTER))
    newer = dead_changes('{"v":2,"export":"newsletter","changes":[]}', exports_table(DynamoDb(), NEWSLETTER))
    noise = dead_changes("hello", exports_table(DynamoDb(), NEWSLETTER))
    assert nobodys.stays == "run the state machine for that export first"
    assert nobodys.why == "export 'gone' does not exist"
    assert newer.stays is not None
    assert "version 2" in newer.stays
    assert noise.stays is not None
    assert [case.changes for case in (nobodys, newer, noise)] == [(), (), ()]


def test_redriving_changes_twice_gives_the_same_message() -> None:
    (once,) = dead_changes(
        encode(Message("newsletter", (ENTER,), hops=7)), exports_table(DynamoDb(), NEWSLETTER)
    ).changes
    assert dead_changes(once, exports_table(DynamoDb(), NEWSLETTER)).changes == (once,)


def test_parked_import_is_redriven_from_the_first_attempt() -> None:
    case = dead_import(import_body(JOB, "SendGrid failed the import job, 6 times in a row"))
    assert case.why == "authorization 'default': SendGrid failed the import job, 6 times in a row"
    (body,) = case.imports
    assert import_from(body).contacts == {"ann@example.org": ImportedContact("newsletter", "0a", 0)}
    assert "parked" not in json.loads(body)


def test_dead_import_is_polled_from_the_start_with_its_attempts() -> None:
    polled = ImportMessage(JOB.authorization, JOB.job, JOB.sent_ms, JOB.runs, JOB.contacts, 40, 2, 3)
    case = dead_import(import_body(polled))
    (body,) = case.imports
    assert import_from(body) == ImportMessage("default", "job-1", JOB.sent_ms, ("r1",), JOB.contacts, 0, 2, 3)
    assert "confirm could not poll the job" in case.why
    assert dead_import("[]").stays is not None


def test_future_event_is_accepted_once_its_time_has_come() -> None:
    (body,) = rejects_of(envelope(entering(LATE)), EARLIER_NS)
    early = reject(body, exports_table(DynamoDb(), NEWSLETTER), EARLIER_NS)
    assert early.stays == "still bad: future_time"
    case = reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS)
    (change,) = changes_of(case)
    assert (change.email, change.kind, change.audience) == ("ann@example.org", Kind.ENTER, HIGH_VALUE)
    assert change.fields == {"city": "Oslo"}
    assert change.profile == "7"
    assert case.why.startswith("ingest, export 'newsletter', future_time: ")
    message = decode(case.changes[0])
    assert (message.config, message.queued_ms) == (NEWSLETTER.version, NOW_NS // 1_000_000)


@pytest.mark.parametrize("city", [{str(n): n for n in range(300)}, ["Graz"] * 400, 10**1_000, {"a": 1}, [1]])
def test_redrive_never_sends_a_shortened_value(city: object) -> None:
    (body,) = rejects_of(envelope(entering(LATE), city=city), EARLIER_NS)
    (change,) = changes_of(reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS))
    assert change.fields == read(envelope(entering(), city=city), NEWSLETTER, NOW_NS).changes[0].fields == {}


@pytest.mark.parametrize("wrong", [{}, {"mail": ""}, {"mail": "Ann"}])
def test_rejects_are_accepted_after_the_email_field_was_fixed(wrong: dict[str, Any]) -> None:
    before = replace(NEWSLETTER, email_field="mail")
    many = {f"address_{n}": "ann@example.org" for n in range(3 * MAX_ADDRESSES)}
    document = envelope(entering(), note="no address", **wrong, **many)
    (body,) = reject_bodies(read(document, before, NOW_NS).rejected, "ingest", NEWSLETTER.name)
    kept = json.loads(json.loads(body)["element"])["envelope"]["data"]
    assert len(kept) == len(wrong) + len(["city"]) + MAX_ADDRESSES
    (change,) = changes_of(reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS))
    assert (change.email, change.fields) == ("ann@example.org", {"city": "Oslo"})


def test_other_addresses_are_kept_only_in_rejects_about_email() -> None:
    (body,) = rejects_of(envelope(entering(LATE), partner="bob@example.org"), EARLIER_NS)
    assert "bob@example.org" not in body


def test_envelope_rejected_whole_is_read_whole() -> None:
    body = reject_body("internal_error", "a fault", "ingest", "newsletter", envelope(entering()))
    (change,) = changes_of(reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS))
    assert change.email == "ann@example.org"


def test_good_elements_are_redriven_and_bad_ones_rejected_again() -> None:
    elements = [envelope(entering()), envelope(entering(), email=""), envelope(entering(audience=UNMANAGED))]
    body = reject_body("internal_error", "a fault", "ingest", "newsletter", elements)
    case = reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS)
    assert len(changes_of(case)) == 1
    (again,) = case.rejects
    assert json.loads(again)["reason"] == "no_email"
    assert reject(again, exports_table(DynamoDb(), NEWSLETTER), NOW_NS).stays == "still bad: no_email"


def test_reject_of_only_bad_elements_stays_with_its_reasons() -> None:
    elements = [envelope(entering(), email=""), {}, envelope(entering(), email="")]
    body = reject_body("internal_error", "a fault", "ingest", "newsletter", elements)
    assert (
        reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS).stays
        == "still bad: no_email, unknown_shape"
    )


def test_elements_rejected_together_are_read_one_by_one() -> None:
    document = [envelope(entering(LATE)) for _ in range(MAX_SINGLE + 1)]
    bodies = rejects_of(document, EARLIER_NS)
    assert len(bodies) < MAX_SINGLE
    assert (
        sum(len(changes_of(reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS))) for body in bodies)
        == MAX_SINGLE + 1
    )


def test_segment_events_rejected_together_are_read_one_by_one() -> None:
    document = envelope(entering(LATE))
    document["data"]["segment_events"] *= MAX_SEPARATE + 1
    bodies = rejects_of(document, EARLIER_NS)
    assert len(bodies) == 1
    assert (
        len(changes_of(reject(bodies[0], exports_table(DynamoDb(), NEWSLETTER), NOW_NS))) == MAX_SEPARATE + 1
    )


def test_element_of_unexported_audience_is_dropped() -> None:
    body = reject_body(
        "internal_error", "a fault", "ingest", "newsletter", envelope(entering(audience=UNMANAGED))
    )
    assert reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS) == RedrivePlan(
        why="ingest, export 'newsletter', internal_error: a fault",
        dropped="none of its audiences is exported now",
    )


@pytest.mark.parametrize("body", ["hello", "[]", "{}"])
def test_unreadable_messages_are_counted_together(body: str) -> None:
    cases = (
        dead_changes(body, exports_table(DynamoDb(), NEWSLETTER)),
        dead_import(body),
        reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS),
    )
    assert {case.why for case in cases} == {"unreadable"}
    assert all(case.stays for case in cases)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (reject_body("no_email", "?", "ingest", "gone", {}), "run the state machine"),
        (reject_body("no_email", "?", "ingest", "newsletter", "not JSON"), "not JSON"),
        (
            reject_body("no_email", "?", "ingest", "newsletter", "x" * 70_000),
            "it was cut from 70000 characters",
        ),
        (reject_body("no_email", "?", "somebody", "newsletter", {}), "unknown source 'somebody'"),
        ("[]", "not a reject"),
        ('{"v":1}', "not a reject"),
        ("hello", "not a reject"),
    ],
)
def test_unreadable_reject_stays_with_the_reason(body: str, words: str) -> None:
    case = reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS)
    assert case.stays is not None
    assert words in case.stays
    assert case.changes == case.rejects == ()


@pytest.mark.parametrize(
    ("source", "export", "element"),
    [
        ("ingest", "gone", {}),
        ("ingest", "newsletter", {}),
        ("ingest", "newsletter", "not JSON"),
        ("ingest", "newsletter", "x" * 70_000),
        ("somebody", "newsletter", {}),
    ],
)
def test_reject_that_stays_is_counted_by_its_reason(source: str, export: str, element: Any) -> None:
    case = reject(
        reject_body("no_email", "it is empty", source, export, element),
        exports_table(DynamoDb(), NEWSLETTER),
        NOW_NS,
    )
    assert case.stays is not None
    assert case.why == f"{source}, export '{export}', no_email: it is empty"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["data", "envelope"]), inner),
    max_leaves=8,
)


@given(ANYTHING)
def test_no_message_stops_the_redrive(document: Any) -> None:
    body = json.dumps(document)
    within = reject_body("r", "d", "ingest", "newsletter", document)
    for case in (
        dead_changes(body, exports_table(DynamoDb(), NEWSLETTER)),
        dead_import(body),
        reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS),
        reject(within, exports_table(DynamoDb(), NEWSLETTER), NOW_NS),
    ):
        assert case.stays is None or not (case.changes or case.imports or case.rejects)


@pytest.mark.parametrize("element", ["a=1&b=2", {"base64": "H4sI", "bytes": 3}, "x" * 100_000])
def test_body_that_was_not_json_stays(element: Any) -> None:
    body = reject_body("not_json", "the body is not JSON", "ingest", "newsletter", element)
    plan = reject(body, exports_table(DynamoDb(), NEWSLETTER), NOW_NS)
    assert plan.stays == "nothing can be read from it: see the runbook, then empty the queue"
    assert (plan.changes, plan.rejects, plan.dropped) == ((), (), None)
