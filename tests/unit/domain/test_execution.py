"""A run is followed into every execution that it goes on in."""

import pytest

from lytics_sendgrid.domain.execution import (
    MAX_EXECUTIONS,
    Execution,
    current_execution,
    goes_on_in,
    last_execution,
)


class Executions:
    def __init__(self, *found: Execution) -> None:
        self.found = {execution.arn: execution for execution in found}
        self.asked = 0

    def describe(self, arn: str) -> Execution | None:
        self.asked += 1
        return self.found.get(arn)


def execution(name: str, goes_on_in: str | None = None) -> Execution:
    output = {"goes_on_in": goes_on_in} if goes_on_in else {}
    return Execution(f"arn:{name}", name, "SUCCEEDED" if goes_on_in else "RUNNING", 1, output=output)


@pytest.mark.parametrize(
    ("output", "following"),
    [({"goes_on_in": "arn:2"}, "arn:2"), ({"goes_on_in": 2}, None), ({"run": "r"}, None), ({}, None)],
)
def test_run_goes_on_in_the_execution_that_the_output_names(
    output: dict[str, object], following: str | None
) -> None:
    assert goes_on_in(output) == following


def test_run_is_in_the_last_execution_that_is_known() -> None:
    first, second, third = execution("r-1", "arn:r-2"), execution("r-2", "arn:r-3"), execution("r-3")
    assert last_execution(Executions(first, second, third), first) is third
    assert last_execution(Executions(third), third) is third


def test_run_is_in_an_execution_that_step_functions_does_not_know_yet() -> None:
    ended = Execution("arn:r:r-1", "r-1", "SUCCEEDED", 100, 200, {"export": "a"}, {"goes_on_in": "arn:r:r-2"})
    found = last_execution(Executions(ended), ended)
    assert found == Execution("arn:r:r-2", "r-2", "RUNNING", 200)
    assert found.is_running


def test_circle_of_executions_ends() -> None:
    first, second = execution("r-1", "arn:r-2"), execution("r-2", "arn:r-1")
    executions = Executions(first, second)
    assert last_execution(executions, first) in (first, second)
    assert executions.asked == MAX_EXECUTIONS


def test_execution_that_aws_does_not_know_runs_only_right_after_its_start() -> None:
    run = execution("r-1")
    assert current_execution(Executions(run), "arn:r-1", 0, 1_000) is run
    for started_s in (941.5, 1_000, 1_059):  # a clock of another machine may be ahead
        found = current_execution(Executions(), "arn:r-1", started_s, 1_000)
        assert found == Execution("arn:r-1", "r-1", "RUNNING", int(started_s))
    for started_s in (940, 1_060):
        assert current_execution(Executions(), "arn:r-1", started_s, 1_000) is None
