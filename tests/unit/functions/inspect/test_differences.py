"""Each difference between the ledger, SendGrid and Lytics is reported."""

from dataclasses import replace
from typing import Any

import pytest

from functions.inspect.differences import IN_FLIGHT_MS, differences
from functions.inspect.document import answer_document
from functions.inspect.findings import Findings
from lytics_sendgrid.domain.contact import UNKNOWN, Rejection
from lytics_sendgrid.domain.erasure import Hold
from tests.unit.functions.inspect.person_scene import (
    ACCOUNT,
    AGREED,
    CONTACT,
    EXPORT,
    FIRST,
    LYTICS,
    NOW_MS,
    SECOND,
    SENDGRID,
)


def differences_of(found: Findings = AGREED, **changes: Any) -> list[str]:
    return differences(replace(found, **changes))


def test_no_difference_is_reported_when_all_sides_agree() -> None:
    assert differences_of() == []
    assert answer_document(AGREED)["answer"] == "All agree: the person is in 'First'"


def test_custom_fields_may_be_keyed_by_id() -> None:
    by_id = {"e1_T": FIRST, "e2_N": 12.5, "e3_D": "1990-02-03T00:00:00Z"}
    assert differences_of(sendgrid=replace(SENDGRID, custom_fields=by_id)) == []


def test_audience_is_found_by_slug_when_lytics_gives_no_ids() -> None:
    assert differences_of(lytics=replace(LYTICS, audience_ids=frozenset())) == []


def test_missing_enter_event_is_reported_with_the_last_exit() -> None:
    (sentence,) = differences_of(lytics=replace(LYTICS, audience_ids=frozenset({FIRST, SECOND})))
    assert "Lytics has the person in 'Second' and the ledger does not" in sentence
    assert "the last event that arrived is the exit of 1970-01-01T00:00:08Z" in sentence
    assert "check that the webhook job j1 is running in Lytics" in sentence


def test_export_without_webhook_job_is_reported() -> None:
    everywhere = replace(LYTICS, audience_ids=frozenset({FIRST, SECOND}))
    never = replace(CONTACT, memberships={FIRST: 7_000_000_000})
    (sentence,) = differences_of(lytics=everywhere, contact=never, export=replace(EXPORT, lytics_job=None))
    assert "no enter event has arrived" in sentence
    assert "this product has not created one" in sentence


def test_missing_exit_event_is_reported() -> None:
    (sentence,) = differences_of(lytics=replace(LYTICS, audience_ids=frozenset({"3" * 32})))
    assert "The ledger has the person in 'First' and Lytics does not" in sentence


def test_deleted_profile_is_reported_as_missing_exit() -> None:
    (sentence,) = differences_of(lytics=None)
    assert "Lytics sends no exit for people that it deleted" in sentence


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"contact": replace(CONTACT, row=None)},
            "the ledger knows the person, but nothing has been sent yet",
        ),
        (
            {"contact": replace(CONTACT, sent_ms=NOW_MS - 5_000)},
            "yet: its row was sent 5 s ago (import job job-7)",
        ),
        ({}, "the contact was deleted in SendGrid, or that job failed for it"),
    ],
)
def test_contact_missing_in_sendgrid_is_reported(changes: dict[str, Any], expected: str) -> None:
    (sentence, *_) = differences_of(sendgrid=None, **changes)
    assert expected in sentence


def test_person_never_in_an_audience_is_not_missing_in_sendgrid() -> None:
    assert differences_of(contact=UNKNOWN, sendgrid=None, lytics=None) == []


def test_rejected_contact_is_reported_with_sendgrids_message() -> None:
    rejection = Rejection("address", "email 'x' is not valid", "row", NOW_MS)
    found = replace(AGREED, contact=replace(CONTACT, rejection=rejection), sendgrid=None)
    assert len(differences_of(found)) == 1
    assert answer_document(found)["ledger"]["rejection"]["reason"] == "address"


@pytest.mark.parametrize(
    ("membership", "age_ms", "expected"),
    [
        (
            "none",
            IN_FLIGHT_MS,
            "The ledger has the person in 'First' and SendGrid does not, and no request is in flight",
        ),
        (
            "none",
            1_000,
            "The ledger has the person in 'First' and SendGrid does not: its row was sent 1 s ago",
        ),
        (
            f"{FIRST},{SECOND}",
            IN_FLIGHT_MS,
            "SendGrid has the person in 'Second' and the ledger does not, and no request",
        ),
    ],
)
def test_membership_that_differs_in_sendgrid_is_reported(membership: str, age_ms: int, expected: str) -> None:
    fields = {**SENDGRID.custom_fields, "lytics_segments": membership}
    contact = replace(CONTACT, sent_ms=NOW_MS - age_ms)
    (sentence,) = differences_of(contact=contact, sendgrid=replace(SENDGRID, custom_fields=fields))
    assert expected in sentence


def test_lagging_segment_is_reported_for_enter_and_exit() -> None:
    sentences = differences_of(sendgrid=replace(SENDGRID, segment_ids=("s2",)))
    assert ["does not list the person yet" in sentences[0], "still lists the person" in sentences[1]] == [
        True,
        True,
    ]


def test_audience_without_segment_is_reported() -> None:
    sentences = differences_of(account=replace(ACCOUNT, audiences={FIRST: ACCOUNT.audiences[FIRST]}))
    assert sentences == ["The audience 'Second' has no segment: start the export again"]


def test_run_that_corrects_a_difference_at_once_is_named() -> None:
    audit = '"audit": true}'
    (deleted, *_) = differences_of(sendgrid=None)
    assert deleted.endswith(
        "or at once by a resync with "
        '{"action": "resync", "export": "news", "audit": true, "restore_deleted": true}'
    )
    changed = replace(SENDGRID, custom_fields={**SENDGRID.custom_fields, "lytics_segments": "none"})
    assert differences_of(sendgrid=changed)[0].endswith(audit)
    (overwritten,) = differences_of(sendgrid=replace(SENDGRID, values={"first_name": "Joan"}))
    assert overwritten.endswith(audit)
    (stale,) = differences_of(lytics=replace(LYTICS, fields={**LYTICS.fields, "first_name": "Joan"}))
    assert stale.endswith('or by a resync with {"action": "resync", "export": "news"}')


@pytest.mark.parametrize(
    ("age_ms", "expected"), [(IN_FLIGHT_MS, "Add it by hand"), (1_000, "was sent 1 s ago")]
)
def test_contact_missing_from_the_list_is_reported(age_ms: int, expected: str) -> None:
    contact = replace(CONTACT, sent_ms=NOW_MS - age_ms)
    export = replace(EXPORT, list_id="l1", list_name="News")
    (sentence,) = differences_of(contact=contact, export=export)
    assert "not on the list 'News'" in sentence
    assert expected in sentence
    assert differences_of(export=export, sendgrid=replace(SENDGRID, list_ids=("l1",))) == []
    assert differences_of(export=export, contact=replace(CONTACT, row=None)) == []


def test_fields_that_differ_are_reported() -> None:
    lytics = replace(LYTICS, fields={**LYTICS.fields, "ltv": 99})
    sendgrid = replace(SENDGRID, values={"first_name": ""})
    sentences = differences_of(lytics=lytics, sendgrid=sendgrid)
    assert "SendGrid has first_name = None and the ledger 'Jane': something else wrote it" in sentences[0]
    assert "Lytics has ltv = 99 and the ledger 12.5" in sentences[1]
    flying = differences_of(lytics=lytics, sendgrid=sendgrid, contact=replace(CONTACT, sent_ms=NOW_MS))
    assert "SendGrid has first_name = None and the ledger 'Jane': its row was sent 0 s ago" in flying[0]


def test_value_that_lytics_no_longer_has_is_not_a_difference() -> None:
    assert differences_of(lytics=replace(LYTICS, fields={})) == []


def test_erased_person_misses_nothing_that_lytics_still_has() -> None:
    hold = Hold(60, 86_460, was_known=True)
    (sentence,) = differences_of(contact=UNKNOWN, sendgrid=None, hold=hold)
    assert "Only a new enter event brings the person back" in sentence


def test_person_who_came_back_is_compared_as_any_other() -> None:
    gone = replace(LYTICS, audience_ids=frozenset(), audience_slugs=frozenset())
    first, second = differences_of(hold=Hold(6, 86_406, was_known=True), lytics=gone)
    assert "an event since has brought the person back" in first
    assert "and Lytics does not" in second
