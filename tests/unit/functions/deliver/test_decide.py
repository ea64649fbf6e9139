"""What is sent and committed for a contact, and whether a stale read of it is harmless."""

import json
from dataclasses import replace

import pytest

from functions.deliver.decide import Decision, accept, decide, needs_consistent_read
from functions.deliver.intake import Intake
from functions.deliver.received import PendingContact, ReceivedMessage
from functions.deliver.upsert_result import AcceptedRow
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, Rejection
from tests.unit.functions.deliver.example_changes import enter, message, refresh
from tests.unit.functions.deliver.example_export import READERS, SEGMENTS, VIEW

ANN = "ann@example.org"
VERSION = VIEW.form.version
SENT_MS = 1_000


VIEWS = {"newsletter": VIEW}


def pending(*changes: Change) -> PendingContact:
    intake = Intake([ReceivedMessage("m0", 1, message(*changes))], VIEWS, now_ms=0)
    (contact,) = intake.contacts.values()
    return contact


def decided(loaded: Contact, *changes: Change) -> Decision:
    return decide(pending(*changes), loaded, VIEWS)


def accepted() -> Contact:
    """Return Ann as she is when SendGrid has accepted her row."""
    decision = decided(UNKNOWN, enter(ANN, city="Oslo"))
    return replace(accept(decision, AcceptedRow("j1", SENT_MS), now_ms=SENT_MS + 1).state, version=1)


def refused(reason: str) -> Contact:
    """Return Ann as she is when SendGrid has refused her whole row."""
    ann = accepted()
    row = ann.row or ""
    held = None if reason == "address" else f"{row}~"
    return replace(ann, row=held, rejection=Rejection(reason, "400 no", row, 5))


def reject(row: str | None) -> Change:
    return Change(ANN, 10, Kind.REJECT, row=row, reason="bad city")


def erase() -> Change:
    return Change(ANN, 1_000_000_000_000, Kind.ERASE)


OLD, NEW = refresh(ANN, SENT_MS - 1), refresh(ANN, SENT_MS)


def test_equal_row_is_not_sent_again() -> None:
    decision = decided(accepted(), enter(ANN, city="Oslo"))
    assert (decision.row, decision.commits, decision.outcome) == (None, False, "unchanged")


@pytest.mark.parametrize("before", ["sent_before", "uncertain"])
def test_equal_row_is_sent_again_after_an_unrecorded_request(before: str) -> None:
    contact = pending(enter(ANN, city="Oslo"))
    setattr(contact.progress, before, True)
    assert decide(contact, accepted(), VIEWS).row is not None


@pytest.mark.parametrize("before", ["sent_before", "uncertain"])
def test_event_that_counts_no_more_is_kept_after_an_unrecorded_request(before: str) -> None:
    since = dict.fromkeys(VIEW.form.since, 10)
    views = {"newsletter": replace(VIEW, form=replace(VIEW.form, since=since))}
    contact = pending(enter(ANN, 5))
    assert decide(contact, UNKNOWN, views).state.memberships == {}
    setattr(contact.progress, before, True)
    assert decide(contact, UNKNOWN, views).state.memberships == {READERS: 5}


@pytest.mark.parametrize(
    ("loaded", "changes", "removes"),
    [
        (accepted(), [erase()], True),
        (accepted(), [enter(ANN, 5), erase()], True),
        (UNKNOWN, [erase()], False),
    ],
)
def test_only_who_is_in_the_ledger_is_taken_out_of_it(
    loaded: Contact, changes: list[Change], removes: bool
) -> None:
    decision = decided(loaded, *changes)
    assert (decision.row, decision.commits, decision.removes) == (None, removes, removes)
    assert decision.outcome == "erased"


@pytest.mark.parametrize("receives", [1, 2])
def test_event_that_counts_no_more_is_kept_if_a_lost_request_had_it(receives: int) -> None:
    """The consumer that died may have sent the id, with a configuration in which the event still counted."""
    since = dict.fromkeys(VIEW.form.since, 10)
    views = {"newsletter": replace(VIEW, form=replace(VIEW.form, since=since))}
    intake = Intake([ReceivedMessage("m0", receives, message(enter(ANN, 5)))], views, now_ms=0)
    (contact,) = intake.contacts.values()
    decision = decide(contact, UNKNOWN, views)
    assert decision.state.memberships == ({READERS: 5} if receives == 2 else {})
    values = json.loads(decision.row.text)["custom_fields"] if decision.row else {}
    assert values == ({SEGMENTS: "none"} if receives == 2 else {})


def test_refresh_after_late_job_is_sent_only_if_ledger_has_another_row() -> None:
    by_row = decided(accepted(), replace(NEW, job="older", row=accepted().row))
    assert (by_row.row, by_row.commits) == (None, True)
    for change in (replace(NEW, job="older", row="another"), replace(NEW, job="older")):
        loaded = replace(accepted(), row=None) if change.row is None else accepted()
        assert decided(loaded, change).row is not None


def test_sent_row_is_committed_even_without_news() -> None:
    decision = decided(accepted(), NEW)
    assert (decision.row is not None, decision.commits) == (True, True)


def test_refresh_of_contact_without_accepted_job_is_sent() -> None:
    assert decided(replace(refused("address"), job=None), NEW).row is not None


def test_overtaken_refresh_is_not_sent_because_of_another_change() -> None:
    decision = decided(accepted(), OLD, enter(ANN, 200_000_000_000))
    assert (decision.row, decision.commits) == (None, True)


def test_newer_configuration_sends_a_row_only_if_it_changes_the_row() -> None:
    stale_reject = reject("older")
    same = decided(replace(accepted(), configuration=VERSION - 1), stale_reject)
    assert (same.row, same.outcome) == (None, "unchanged")
    loaded = replace(accepted(), configuration=VERSION - 1, row="made otherwise")
    assert decided(loaded, stale_reject).row is not None


@pytest.mark.parametrize("reason", ["address", "fields", "row"])
def test_refused_row_is_not_retried_if_newer_configuration_keeps_it(reason: str) -> None:
    decision = decided(replace(refused(reason), configuration=VERSION - 1), reject("older"))
    assert (decision.row, decision.commits, decision.outcome) == (None, False, f"rejected.{reason}")


def test_duplicate_of_refused_row_counts_as_rejected() -> None:
    decision = decided(refused("address"), enter(ANN, city="Oslo"))
    assert (decision.row, decision.outcome) == (None, "rejected.address")


def test_refused_row_is_sent_whole_if_newer_configuration_changes_it() -> None:
    before = Rejection("fields", "400 no", "made otherwise", 5)
    loaded = replace(refused("fields"), configuration=VERSION - 1, rejection=before)
    decision = decided(loaded, reject("older"))
    assert decision.row is not None
    assert "Oslo" in decision.row.text


@pytest.mark.parametrize(("reason", "is_whole"), [("address", True), ("fields", False), ("row", False)])
def test_refresh_of_refused_row_omits_fields_unless_address_was_refused(reason: str, is_whole: bool) -> None:
    decision = decided(refused(reason), NEW)
    assert decision.row is not None
    assert ("Oslo" in decision.row.text) == is_whole
    assert decision.reduced != is_whole


def test_refusal_of_reduced_row_keeps_the_message_about_the_fields() -> None:
    contact = refused("fields")
    row = AcceptedRow("j2", SENT_MS + 1, "400 something else")
    decision = accept(decided(contact, NEW), row, now_ms=SENT_MS + 2)
    assert (decision.state.rejection, decision.state.row) == (contact.rejection, contact.row)


@pytest.mark.parametrize(
    ("changes", "loaded", "needs"),
    [
        ([enter(ANN)], accepted(), False),
        ([enter(ANN)], UNKNOWN, False),
        ([enter(ANN)], replace(accepted(), configuration=VERSION - 1), True),
        ([OLD], accepted(), True),
        ([NEW], accepted(), False),
        ([NEW], UNKNOWN, True),
        ([reject(accepted().row)], accepted(), False),
        ([reject(accepted().row), enter(ANN)], accepted(), False),
        ([reject("another")], accepted(), True),
        ([reject("another"), reject(accepted().row)], accepted(), True),
    ],
)
def test_consistent_read_is_needed_where_a_stale_one_could_drop_something(
    changes: list[Change], loaded: Contact, needs: bool
) -> None:
    assert needs_consistent_read(pending(*changes), loaded, VIEW.form, 0.0) == needs


def test_settled_configuration_needs_no_consistent_read() -> None:
    """Nobody commits a row of an older configuration any more, so a stale read shows the last one, too."""
    form, older = replace(VIEW.form, written_s=1_000), replace(accepted(), configuration=VERSION - 1)
    times = (500.0, 1_000.0, 1_899.0, 1_900.0)
    assert [needs_consistent_read(pending(enter(ANN)), older, form, now_s) for now_s in times] == [
        *(True, True, True, False)
    ]
