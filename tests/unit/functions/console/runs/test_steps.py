"""The steps of a run: which are done, how far they are, how long is left, when to ask again."""

import json
from typing import Any

import pytest

from functions.console.runs.steps import STEP_OF, TITLES, Bar, RunView, State, epoch_s, run_view
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.run_progress import RunProgress
from lytics_sendgrid.workflow.run_record import RunRecord
from tests.modules import ROOT

STARTED_S = 1_795_000_000
EMPTY = RunProgress(frozenset(), frozenset(), {})


def record(**more: Any) -> RunRecord:
    audiences = [{"id": "a", "name": "Buyers"}, {"id": "b", "name": "Readers"}]
    of_run = {"run": "r", "started_at": "2026-11-18T11:06:40Z", "people": 1_000, "audiences": audiences}
    return RunRecord.read(of_run | {"backfill": True} | more)


def view(state: str | None, progress: RunProgress = EMPTY, after_s: int = 60, **more: Any) -> RunView:
    entered = [state] if state else []
    return run_view(record(**more), entered, progress, STARTED_S, STARTED_S + after_s)


def states(found: RunView) -> dict[str, str]:
    return {step.key: step.state.value for step in found.steps}


def scan(scanned: int, largest: int | None = 600, **more: Any) -> Checkpoint:
    return Checkpoint(scanned=scanned, largest=largest, began_s=STARTED_S + 20, **more)


def test_start_has_the_steps_that_it_needs() -> None:
    assert states(view("Backfill")) == {
        "check": "done",
        "create": "done",
        "subscribe": "done",
        "read": "now",
        "send": "waits",
        "report": "waits",
    }
    assert list(states(view("Settle", backfill=False))) == ["check", "create", "subscribe", "send", "report"]
    assert "compare" in states(view("Backfill", sweep=True))


def test_resync_and_stop_have_other_steps() -> None:
    resync = states(view("Sweep", action="resync", sweep=True, audit=True))
    assert list(resync) == ["check", "read", "compare", "audit", "send", "report"]
    assert resync["compare"] == "now"
    stop = states(view("Clear", action="stop", backfill=False))
    assert list(stop) == ["check", "stop", "clear", "send", "report"]


def test_clearing_of_removed_audiences_is_a_step_while_it_goes_on() -> None:
    assert states(view("WaitToClear"))["clear"] == "now"
    assert "clear" not in states(view("Backfill"))


def test_run_that_is_not_planned_yet_checks_its_input() -> None:
    found = run_view(None, ["Plan"], EMPTY, STARTED_S, STARTED_S + 1)
    assert (found.now, found.left_s) == (TITLES["check"], None)
    assert all(step.bars == () for step in found.steps)


@pytest.mark.parametrize(("action", "second"), [("resync", "send"), ("stop", "stop"), ("odd", "create")])
def test_run_that_is_not_planned_yet_has_the_steps_of_its_input(action: str, second: str) -> None:
    found = run_view(None, [], EMPTY, STARTED_S, STARTED_S, action=action)
    assert found.steps[1].key == second


def test_unknown_state_is_the_first_step() -> None:
    assert states(view(None))["check"] == "now"
    assert states(view("IsResumed"))["check"] == "now"


def test_choice_between_states_is_no_step() -> None:
    found = run_view(record(), ["IsScanned", "Scan", "Backfill"], EMPTY, STARTED_S, STARTED_S)
    assert found.now == TITLES["read"]


def test_reading_counts_people_of_all_audiences() -> None:
    progress = RunProgress(frozenset(), frozenset(), {}, scans={"a": scan(200), "b": scan(50, 400)})
    found = view("Scan", progress)
    (read,) = next(step.bars for step in found.steps if step.key == "read")
    assert (read.done, read.of, read.percent) == (250, 1_000, 25)
    assert [(s.name, s.scanned, s.of, s.done) for s in found.audiences] == [
        ("Buyers", 200, 600, False),
        ("Readers", 50, 400, False),
    ]


def test_reading_is_whole_once_every_scan_has_ended() -> None:
    scans = {"a": scan(590, done=True), "b": scan(0, trouble="it is gone")}
    found = view("Settle", RunProgress(frozenset(), frozenset(), {}, scans=scans))
    (read,) = next(step.bars for step in found.steps if step.key == "read")
    assert (read.done, read.of, read.percent) == (590, 590, 100)
    assert found.audiences[1].trouble == "it is gone"


def test_more_people_than_planned_are_no_more_than_all() -> None:
    found = view("Scan", RunProgress(frozenset(), frozenset(), {}, scans={"a": scan(1_200)}))
    (read,) = next(step.bars for step in found.steps if step.key == "read")
    assert (read.done, read.of) == (1_200, 1_200)


def test_unfinished_scans_come_first_and_an_unknown_audience_keeps_its_id() -> None:
    scans = {"a": scan(590, done=True), "z": scan(3, None), "b": scan(7)}
    found = view("Scan", RunProgress(frozenset(), frozenset(), {}, scans=scans))
    assert [(s.name, s.of) for s in found.audiences] == [("z", 0), ("Readers", 600), ("Buyers", 600)]


SENT = RunProgress(
    numbers=frozenset({"a.0", "a.1", "b.0", "other"}),
    jobs=frozenset({"j1", "j2"}),
    ended={"j1": {"confirmed": 70}},
    counts={"accepted": 70, "unchanged": 20, "rejected.address": 5, "missing.a": 9, "rejected.row": -1},
    expected=frozenset({"a.0", "a.1", "b.0", "b.1"}),
    scans={"a": scan(500, done=True), "b": scan(500, done=True)},
)


def test_sending_counts_messages_for_the_bar_and_people_for_the_text() -> None:
    found = view("Settle", SENT)
    delivered, confirmed = next(step.bars for step in found.steps if step.key == "send")
    assert (delivered.done, delivered.of, delivered.people, delivered.percent) == (3, 4, 94, 75)
    assert (confirmed.done, confirmed.of, confirmed.people) == (1, 2, 70)


def test_people_are_sent_while_others_are_read() -> None:
    found = view("Scan", SENT)
    assert (states(found)["read"], states(found)["send"], found.now) == ("now", "now", TITLES["read"])


def test_bar_of_nothing_has_no_percent_and_a_full_one_no_more_than_100() -> None:
    assert Bar("read", 0, 0).percent == 0
    assert Bar("read", 999, 1_000).percent == 99
    assert Bar("read", 7, 5).percent == 100


def test_time_left_follows_the_slowest_rate_so_far() -> None:
    # 40 s after the scans began: reading 250 of 1,000 leaves 120 s.
    reading = RunProgress(frozenset(), frozenset(), {}, scans={"a": scan(250)})
    assert view("Scan", reading).left_s == 120
    # Everything is read, 3 of 4 messages are delivered: a third of 40 s.
    assert view("Settle", SENT).left_s == 13


@pytest.mark.parametrize(
    ("state", "progress", "after_s"),
    [
        ("Scan", EMPTY, 60),
        ("Sweep", SENT, 60),
        ("Settle", SENT, 22),
        (
            "Scan",
            RunProgress(frozenset(), frozenset(), {}, expected=frozenset({"a.0"}), scans={"a": scan(9)}),
            60,
        ),
    ],
)
def test_time_left_is_not_guessed(state: str, progress: RunProgress, after_s: int) -> None:
    assert view(state, progress, after_s).left_s is None


def test_page_asks_every_2_seconds_and_later_every_10() -> None:
    assert [view("Scan", after_s=seconds).again_s for seconds in (0, 119, 120, 9_000)] == [2, 2, 10, 10]


def test_every_state_of_the_machine_that_takes_time_has_a_step() -> None:
    machine = json.loads((ROOT / "functions" / "export.asl.json").read_text())

    def slow(of: dict[str, Any]) -> set[str]:
        names = {name for name, state in of.items() if state["Type"] in {"Task", "Wait", "Map"}}
        return names.union(*(slow(s["ItemProcessor"]["States"]) for s in of.values() if "ItemProcessor" in s))

    assert STEP_OF.keys() - {"Resume"} == slow(machine["States"])
    assert set(STEP_OF.values()) == TITLES.keys()


def test_now_is_empty_without_a_present_step() -> None:
    assert RunView((), (), None, 2).now == ""
    assert State("now") is State.NOW


def test_epoch_of_a_time() -> None:
    assert epoch_s("2026-11-18T11:06:40Z") == STARTED_S
