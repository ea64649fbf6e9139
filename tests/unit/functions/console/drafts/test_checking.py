"""How a check ends, and why a run may not be started."""

from dataclasses import replace
from typing import Any

import pytest

from functions.console.drafts.checking import Obstacle, followed, obstacle
from functions.console.drafts.draft import Check, digest
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.workflow.faults import Fault

CHECK = Check("arn:x", digest({"export": "a"}), 1_000, "x", 3)
PASSED = replace(CHECK, status="passed")
WANTED = digest({"export": "a"})


def execution(status: str, **details: Any) -> Execution:
    return Execution("arn:x", "x", status, 1_000, **details)


def test_running_check_stays_as_it_is() -> None:
    assert followed(CHECK, execution("RUNNING")) == CHECK


def test_planned_start_has_passed_for_the_configuration_it_was_planned_for() -> None:
    output = {"plan": {"people": 7}, "planned_version": 0, "account": "main", "config": {}}
    assert followed(CHECK, execution("SUCCEEDED", output=output)) == replace(
        PASSED, version=0, account="main", result={"people": 7}
    )


def test_resync_has_passed_with_its_report_for_the_configuration_before_it() -> None:
    report = {"run": "x", "drift": {}, "account": "main"}
    passed = followed(CHECK, execution("SUCCEEDED", output=report))
    assert (passed.version, passed.account, passed.result) == (3, "main", report)
    assert followed(CHECK, execution("SUCCEEDED", output={"skipped": "x"})).account == ""


def test_check_is_in_the_last_execution_of_its_run() -> None:
    assert followed(CHECK, Execution("arn:y", "y", "RUNNING", 1_000)) == replace(CHECK, execution="arn:y")


def test_refused_check_has_its_faults_with_their_places() -> None:
    cause = 'Nothing was changed. 1 fault:\n- unknown\nWhere in the input: ["/list"]'
    after = followed(CHECK, execution("FAILED", error="ExportRefused", cause=cause))
    assert (after.status, after.faults, after.reason) == ("refused", (Fault("unknown", "/list"),), "")
    after = followed(CHECK, execution("FAILED", error="KeyRefused", cause="the key is wrong"))
    assert (after.status, after.faults, after.reason) == ("refused", (), "the key is wrong")


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (None, "AWS does not know this check any more."),
        (
            execution("SUCCEEDED", output={"goes_on_in": "arn:y"}),
            "AWS does not know this check any more.",
        ),
        (execution("FAILED", error="Sandbox.Timedout", cause="it died"), "it died"),
        (execution("ABORTED"), "Somebody stopped this check."),
        (execution("TIMED_OUT"), "This check took longer than a check may take."),
        (execution("PENDING_REDRIVE", cause="x"), "x"),
    ],
)
def test_check_that_did_not_get_so_far_has_failed(ended: Execution | None, reason: str) -> None:
    after = followed(CHECK, ended)
    assert (after.status, after.reason) == ("failed", reason)


@pytest.mark.parametrize(
    ("check", "wanted", "version", "now_s", "expected"),
    [
        (None, WANTED, 3, 1_000, Obstacle.UNCHECKED),
        (CHECK, WANTED, 3, 1_000, Obstacle.RUNNING),
        (replace(CHECK, status="refused"), WANTED, 3, 1_000, Obstacle.REFUSED),
        (replace(CHECK, status="failed"), WANTED, 3, 1_000, Obstacle.FAILED),
        (PASSED, digest({"export": "b"}), 3, 1_000, Obstacle.CHANGED),
        (PASSED, WANTED, 3, 2_801, Obstacle.OLD),
        (PASSED, WANTED, 3, 999, Obstacle.OLD),
        (PASSED, WANTED, 4, 1_000, Obstacle.CONFIGURATION),
        (PASSED, WANTED, None, 1_000, Obstacle.CONFIGURATION),
        (PASSED, WANTED, 3, 2_800, None),
    ],
)
def test_run_starts_only_after_a_fresh_check_of_the_same(
    check: Check | None, wanted: str, version: int | None, now_s: int, expected: Obstacle | None
) -> None:
    assert obstacle(check, wanted, version, now_s) is expected


def test_digest_is_of_what_an_input_says_and_not_of_its_order() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1}) != digest({"a": 1, "b": [3]})
