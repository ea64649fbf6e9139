"""What the page Exports says of an export."""

from dataclasses import replace
from typing import Any

import pytest

from functions.console.overview import row, unfinished_run
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.workflow.summary import Summary, SummaryPart

CONFIGURED = {
    "audiences": ["High value"],
    "audiences_count": 1,
    "authorization": "default",
    "stopped_s": None,
}
LIVE = {"at_s": 100, "live": True, "state": "running"}
RUN = {"run": "r1", "started_at": "2026-11-26T02:00:00Z", "backfill": True, "lytics": 5, "sendgrid": 4}
STARTED_S = 1_795_658_400
HEALTHY = Summary(
    "newsletter", {SummaryPart.CONFIGURED: CONFIGURED, SummaryPart.ACTIVATED: LIVE}, None, 7_500
)


def with_parts(summary: Summary = HEALTHY, **parts: Any) -> Summary:
    changed = {SummaryPart[name.upper()]: value for name, value in parts.items()}
    return replace(summary, parts={**summary.parts, **changed})


def found(trouble: str, text: str, at_s: int = 200, live: bool | None = None) -> dict[str, Any]:
    return {"at_s": at_s, "live": live, "findings": [{"trouble": trouble, "text": text}]}


def test_export_that_gets_its_events_is_live() -> None:
    shown = row(HEALTHY, None)
    assert (shown.standing.kind, shown.standing.text, shown.standing.why) == ("good", "Live", "")
    assert (shown.heard_s, shown.is_resynced, shown.run, shown.notes) == (7.5, True, None, ())


def test_export_that_was_never_started_says_so() -> None:
    shown = row(Summary("new", {}, None, None), None)
    assert (shown.standing.text, shown.is_resynced, shown.heard_s) == ("Not live", False, None)
    assert "not been started" in shown.standing.why


def test_export_of_an_older_release_is_not_known_yet() -> None:
    shown = row(Summary("old", {SummaryPart.CONFIGURED: CONFIGURED}, None, None), None)
    assert (shown.standing.kind, shown.standing.text) == ("off", "Not known yet")


def test_hourly_look_makes_an_export_of_an_older_release_known() -> None:
    looked = {"at_s": 1, "live": True, "findings": []}
    old = Summary("old", {SummaryPart.CONFIGURED: CONFIGURED, SummaryPart.WATCHED: looked}, None, None)
    assert row(old, None).standing.text == "Live"
    assert row(with_parts(old, watched=looked | {"live": False}), None).standing.text == "Not live"


def test_who_stopped_an_export_comes_before_everything_else() -> None:
    stopped = with_parts(configured=CONFIGURED | {"stopped_s": 5}, watched=found("key_trouble", "refused"))
    shown = row(replace(stopped, stop={"reason": "SendGrid refuses"}), None)
    assert (shown.standing.kind, shown.standing.text) == ("off", "Stopped")
    assert (shown.notes, shown.is_resynced) == ((), False)


def test_a_fault_that_stopped_an_export_is_shown() -> None:
    shown = row(replace(HEALTHY, stop={"reason": "SendGrid refuses the key"}), None)
    assert (shown.standing.kind, shown.standing.why) == ("bad", "SendGrid refuses the key")


def test_job_that_is_paused_in_lytics_makes_an_export_not_live() -> None:
    shown = row(with_parts(watched=found("webhook_job_trouble", "it is paused", live=False)), None)
    assert (shown.standing.kind, shown.standing.text, shown.standing.why) == (
        "warn",
        "Not live",
        "it is paused",
    )


def test_a_start_after_the_hourly_look_counts_more() -> None:
    shown = row(with_parts(watched=found("webhook_job_trouble", "it is paused", at_s=99, live=False)), None)
    assert shown.standing.text == "Live"


def test_export_without_a_job_says_what_to_do() -> None:
    shown = row(with_parts(activated=LIVE | {"live": False}), None)
    assert (shown.standing.text, "report" in shown.standing.why) == ("Not live", True)


def test_other_findings_are_notes() -> None:
    assert row(with_parts(watched=found("key_trouble", "expires soon")), None).notes == ("expires soon",)


def test_names_and_counts_of_audiences_are_shown() -> None:
    shown = row(with_parts(configured=CONFIGURED | {"audiences_count": 30}, run=RUN), None)
    assert (shown.audiences, shown.more_audiences) == (("High value",), 29)
    assert (shown.lytics, shown.sendgrid) == (5, 4)


def test_only_a_run_without_an_end_is_looked_at() -> None:
    assert unfinished_run(HEALTHY) is None
    assert unfinished_run(with_parts(run=RUN)) == "r1"
    assert unfinished_run(with_parts(run=RUN | {"finished_at": "2026-11-26T02:09:00Z"})) is None


@pytest.mark.parametrize(
    ("run", "what"),
    [
        ({}, "Copy everybody"),
        ({"backfill": False}, "Change without a copy"),
        ({"action": "resync"}, "Resync"),
        ({"action": "resync", "scheduled": True}, "Nightly resync"),
        ({"action": "stop", "backfill": False}, "Stop"),
    ],
)
def test_a_run_is_called_as_a_marketer_would(run: dict[str, Any], what: str) -> None:
    last = row(with_parts(run=RUN | run), None).run
    assert last is not None
    assert last.what == what


@pytest.mark.parametrize(
    ("run", "kind", "result"),
    [
        ({"finished_at": "2026-11-26T02:09:00Z"}, "good", "Done"),
        ({"finished_at": "2026-11-26T02:09:00Z", "trouble": True}, "warn", "With trouble"),
        ({}, "off", "Ended"),
    ],
)
def test_a_run_that_has_ended_says_how(run: dict[str, Any], kind: str, result: str) -> None:
    last = row(with_parts(run=RUN | run), None).run
    assert last is not None
    assert (last.kind, last.result, last.is_running) == (kind, result, False)
    assert last.at_s == STARTED_S + (540 if run else 0)


@pytest.mark.parametrize(
    ("status", "kind", "result", "why"),
    [
        ("RUNNING", "busy", "Running", ""),
        ("FAILED", "bad", "Failed", "SendGrid refuses the key"),
        ("TIMED_OUT", "bad", "Failed", "SendGrid refuses the key"),
        ("ABORTED", "off", "Cancelled", "SendGrid refuses the key"),
    ],
)
def test_a_run_without_a_report_is_looked_up(status: str, kind: str, result: str, why: str) -> None:
    ended_s = None if status == "RUNNING" else STARTED_S + 60
    execution = Execution("arn", "r1", status, STARTED_S, ended_s, cause=why)
    last = row(with_parts(run=RUN), execution).run
    assert last is not None
    assert (last.kind, last.result, last.why, last.is_running) == (kind, result, why, status == "RUNNING")
    assert last.at_s == (ended_s or STARTED_S)
