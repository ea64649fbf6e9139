"""For each contact: whether something is sent and committed, and whether a read behind the ledger would be enough."""

from dataclasses import replace

import pytest

from functions.deliver.batch import Batch, Letter, Received, Task
from functions.deliver.decide import accept, decide, needs_the_newest
from functions.deliver.upsert import Sent
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, Rejection
from tests.unit.functions.deliver.delivery_scene import VIEW, enter, message, refresh

ANN = "ann@example.org"
VERSION = VIEW.form.version
SENT_MS = 1_000


def task_of(*changes: Change) -> Task:
    batch = Batch([])
    batch.add(Letter(Received("m0", "", 1), message(*changes)), VIEW)
    (task,) = batch.tasks.values()
    return task


def accepted() -> Contact:
    """Return Ann as she is when SendGrid has accepted her row."""
    task = task_of(enter(ANN, city="Oslo"))
    decide(task, UNKNOWN)
    accept(task, Sent("j1", SENT_MS), now_ms=SENT_MS + 1)
    return replace(task.state, version=1)


def refused(reason: str) -> Contact:
    """Return Ann as she is when SendGrid has refused her whole row."""
    ann = accepted()
    row = ann.row or ""
    held = None if reason == "address" else f"{row}~"
    return replace(ann, row=held, rejection=Rejection(reason, "400 no", row, 5))


def reject(row: str | None) -> Change:
    return Change(ANN, 10, Kind.REJECT, row=row, reason="bad city")


OLD, NEW = refresh(ANN, SENT_MS - 1), refresh(ANN, SENT_MS)


def test_equal_row_is_not_sent_again() -> None:
    task = task_of(enter(ANN, city="Oslo"))
    decide(task, accepted())
    assert (task.row, task.commits, task.outcome) == (None, False, "unchanged")


@pytest.mark.parametrize("before", ["sent_before", "uncertain"])
def test_equal_row_is_sent_again_where_a_request_may_be_in_flight_that_the_ledger_does_not_name(
    before: str,
) -> None:
    task = task_of(enter(ANN, city="Oslo"))
    setattr(task, before, True)
    decide(task, accepted())
    assert task.row is not None


def test_late_job_that_brought_the_ledgers_row_is_not_sent_and_any_other_is() -> None:
    by_row = task_of(replace(NEW, job="older", row=accepted().row))
    decide(by_row, accepted())
    assert (by_row.row, by_row.commits) == (None, True)
    for change in (replace(NEW, job="older", row="another"), replace(NEW, job="older")):
        task = task_of(change)
        decide(task, replace(accepted(), row=None) if change.row is None else accepted())
        assert task.row is not None


def test_what_is_sent_is_committed_though_nothing_new_is_known() -> None:
    task = task_of(NEW)
    decide(task, accepted())
    assert (task.row is not None, task.commits) == (True, True)


def test_refresh_of_a_contact_of_whom_no_job_was_accepted_is_sent() -> None:
    task = task_of(NEW)
    decide(task, replace(refused("address"), job=None))
    assert task.row is not None


def test_refresh_that_was_overtaken_is_not_sent_for_the_change_beside_it() -> None:
    task = task_of(OLD, enter(ANN, 200_000_000_000))
    decide(task, accepted())
    assert (task.row, task.commits) == (None, True)


def test_equal_row_of_a_newer_configuration_is_not_sent_and_a_row_that_it_changes_is() -> None:
    stale_reject = reject("older")
    same = task_of(stale_reject)
    decide(same, replace(accepted(), configuration=VERSION - 1))
    assert (same.row, same.outcome) == (None, "unchanged")
    changed = task_of(stale_reject)
    decide(changed, replace(accepted(), configuration=VERSION - 1, row="made otherwise"))
    assert changed.row is not None


@pytest.mark.parametrize("reason", ["address", "fields", "row"])
def test_refused_row_that_a_newer_configuration_leaves_as_it_is_is_not_tried_again(reason: str) -> None:
    task = task_of(reject("older"))
    decide(task, replace(refused(reason), configuration=VERSION - 1))
    assert (task.row, task.commits, task.outcome) == (None, False, f"rejected.{reason}")


def test_refused_row_that_comes_once_more_counts_as_rejected() -> None:
    task = task_of(enter(ANN, city="Oslo"))
    decide(task, refused("address"))
    assert (task.row, task.outcome) == (None, "rejected.address")


def test_refused_row_that_a_newer_configuration_changes_is_tried_whole() -> None:
    contact = refused("fields")
    before = Rejection("fields", "400 no", "made otherwise", 5)
    task = task_of(reject("older"))
    decide(task, replace(contact, configuration=VERSION - 1, rejection=before))
    assert task.row is not None
    assert "Oslo" in task.row.text


@pytest.mark.parametrize(("reason", "is_whole"), [("address", True), ("fields", False), ("row", False)])
def test_refresh_of_a_refused_row_leaves_its_fields_out_unless_the_address_was_refused(
    reason: str, is_whole: bool
) -> None:
    task = task_of(NEW)
    decide(task, refused(reason))
    assert task.row is not None
    assert ("Oslo" in task.row.text) == is_whole
    assert task.reduced != is_whole


def test_refusal_of_a_row_without_its_fields_keeps_the_words_about_the_fields() -> None:
    contact = refused("fields")
    task = task_of(NEW)
    decide(task, contact)
    accept(task, Sent("j2", SENT_MS + 1, "400 something else"), now_ms=SENT_MS + 2)
    assert (task.state.rejection, task.state.row) == (contact.rejection, contact.row)


@pytest.mark.parametrize(
    ("changes", "contact", "needs"),
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
def test_read_that_may_be_behind_is_not_enough_where_something_would_be_left_undone(
    changes: list[Change], contact: Contact, needs: bool
) -> None:
    assert needs_the_newest(task_of(*changes), contact) == needs
