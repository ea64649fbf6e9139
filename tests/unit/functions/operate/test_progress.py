"""What a person sees of a run: each change once, and the result."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.operate.progress import STATES, ProgressLines, inspection, result
from lytics_sendgrid.domain.execution import Execution
from tests.modules import ROOT

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def entered(name: str) -> dict[str, Any]:
    return {"timestamp": NOON, "stateEnteredEventDetails": {"name": name}}


def left(name: str, **output: Any) -> dict[str, Any]:
    return {"timestamp": NOON, "stateExitedEventDetails": {"name": name, "output": json.dumps(output)}}


def failed(error: str, cause: str) -> dict[str, Any]:
    return {"timestamp": NOON, "lambdaFunctionFailedEventDetails": {"error": error, "cause": cause}}


def lines(*events: dict[str, Any]) -> list[str]:
    return list(ProgressLines().lines(events))


def settled(done: int, of: int, stop: str = "") -> dict[str, Any]:
    progress = {"messages": {"done": done, "of": of}, "jobs": {"done": 1, "of": 2}, "stop": stop}
    return left("Settle", settle=progress)


def test_states_are_shown_with_their_time_and_only_once() -> None:
    assert lines(entered("IsResumed"), entered("Plan"), entered("Plan"), {"timestamp": NOON}) == [
        f"12:00:00Z  {STATES['Plan']}"
    ]


def test_each_scan_shows_how_many_people_it_has_read() -> None:
    audience, name = {"id": "5f", "requests": 4}, "High value users"
    trouble = {"done": True, "audience_name": "Gone", "trouble": "it is gone"}
    events = [
        left("Scan", audience=audience, progress={"audience_name": name, "done": False, "scanned": 40_000}),
        left(
            "Scan", audience={"id": "8a"}, progress={"audience_name": "Readers", "done": True, "scanned": 7}
        ),
        left("Scan", audience=audience, progress={"audience_name": name, "done": True, "scanned": 54_321}),
        left("Scan", audience={"id": "9b"}, progress=trouble),
        left("Scan", audience={"id": "9b"}, progress={"done": False}),
    ]
    assert [line.partition("  ")[2] for line in lines(*events)] == [
        "scan of 'High value users': 40,000 people, goes on",
        "scan of 'Readers': 7 people, done",
        "scan of 'High value users': 54,321 people, done",
        "scan of 'Gone': 0 people, in trouble: it is gone",
        "scan of '9b': 0 people, goes on",
    ]


def test_scan_that_has_not_moved_is_not_shown_again() -> None:
    first = left("Scan", audience={"id": "5f", "name": "One"}, progress={"done": False, "scanned": 5})
    other = left("Scan", audience={"id": "8a", "name": "Two"}, progress={"done": False, "scanned": 5})
    assert len(lines(first, other, first, other)) == 2


def test_settle_is_shown_when_its_progress_changes() -> None:
    shown = lines(settled(1, 3), settled(1, 3), settled(3, 3), settled(3, 3, "the key is refused"))
    assert [line.partition("  ")[2] for line in shown] == [
        "settle: 1 of 3 messages delivered, 1 of 2 import jobs ended",
        "settle: 3 of 3 messages delivered, 1 of 2 import jobs ended",
        (
            "settle: 3 of 3 messages delivered, 1 of 2 import jobs ended. "
            "The export is stopped: the key is refused"
        ),
    ]


def test_failure_that_is_retried_is_shown_with_its_message() -> None:
    shown = lines(
        failed("Throttled", '{"errorMessage": "SendGrid: 429", "stackTrace": []}'),
        failed("ServiceUnavailable", "plain"),
        failed("ExportRefused", '{"errorMessage": "the result says this"}'),
    )
    assert [line.partition("  ")[2] for line in shown] == [
        "tries again after Throttled: SendGrid: 429",
        "tries again after ServiceUnavailable: plain",
    ]


def test_output_that_cannot_be_read_is_no_crash() -> None:
    odd = {"timestamp": NOON, "stateExitedEventDetails": {"name": "Settle", "output": "[1"}}
    assert lines(odd) == ["12:00:00Z  settle: 0 of 0 messages delivered, 0 of 0 import jobs ended"]
    assert lines(left("Plan")) == []


def test_every_task_and_wait_of_the_state_machine_is_shown() -> None:
    machine = json.loads((ROOT / "functions" / "export.asl.json").read_text())
    quiet = {"Settle", "ContinueInNewExecution"}
    seen = {name for name, state in machine["States"].items() if state["Type"] in {"Task", "Wait", "Map"}}
    assert seen - quiet == STATES.keys() - {"Resume"}
    assert STATES.keys() <= machine["States"].keys()


def ended(status: str, **details: Any) -> Execution:
    return Execution("arn:r", "r", status, 0, **details)


def test_report_starts_with_its_notes() -> None:
    output = {"run": "r", "live": True, "notes": ["SendGrid counts later"]}
    assert list(result(ended("SUCCEEDED", output=output))) == [
        *("SUCCEEDED  The export is live.", "", "Notes", "- SendGrid counts later", ""),
        *("run: r", "live: true"),
    ]


def test_export_that_is_not_live_is_reported_first() -> None:
    first, *_ = result(ended("SUCCEEDED", output={"live": False, "notes": []}))
    assert first == "SUCCEEDED  The export is NOT LIVE: read the notes."


def test_dry_run_shows_the_plan() -> None:
    output = {"dry_run": True, "run": "r", "plan": {"people": 7, "notes": []}}
    assert list(result(ended("SUCCEEDED", output=output))) == [
        *("Dry run: nothing was changed. This is the plan.", "", "people: 7"),
    ]


def test_failure_shows_every_line_of_its_cause() -> None:
    failed = ended("FAILED", error="ExportRefused", cause="2 faults:\n- one\x1b\n- two")
    assert list(result(failed)) == ["FAILED  ExportRefused", "2 faults:", "- one ", "- two"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("ABORTED", "Somebody stopped this run. "), ("TIMED_OUT", "This run took longer than "), ("FAILED", "")],
)
def test_end_without_a_cause_says_what_to_do(status: str, reason: str) -> None:
    first, second = result(ended(status))
    assert first == status
    assert second.startswith(reason)
    assert second.endswith("Start the same input again: nothing is created or sent twice.")


def test_inspection_has_the_sentence_first() -> None:
    assert list(inspection({"export": "newsletter", "answer": "All agree", "differences": ["x"]})) == [
        *("All agree", "", "export: newsletter", "differences:", "  - x"),
    ]
