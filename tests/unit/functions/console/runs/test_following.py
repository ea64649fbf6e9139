"""A run is found by its export and its name."""

from functions.console.runs.following import first_execution
from lytics_sendgrid.domain.execution import Execution


class Executions:
    def __init__(self, *found: Execution) -> None:
        self.found = {execution.arn: execution for execution in found}
        self.asked: list[str] = []

    def arn(self, name: str) -> str:
        return f"arn:{name}"

    def describe(self, arn: str) -> Execution | None:
        self.asked.append(arn)
        return self.found.get(arn)


def execution(name: str, **document: object) -> Execution:
    return Execution(f"arn:{name}", name, "RUNNING", 1, input=document)


def test_run_is_found_by_its_export_and_name() -> None:
    run = execution("r-1", export="newsletter")
    executions = Executions(run)
    assert first_execution(executions, "newsletter", "r-1") is run
    assert first_execution(executions, "another", "r-1") is None
    assert first_execution(executions, "newsletter", "r-2") is None


def test_run_without_a_name_of_an_export_is_the_default_ones() -> None:
    run = execution("r-1")
    assert first_execution(Executions(run), "default", "r-1") is run


def test_name_that_no_execution_can_have_is_not_asked_for() -> None:
    executions = Executions()
    for name in ("", "a:b", "x" * 81, "../x", "é"):
        assert first_execution(executions, "newsletter", name) is None
    assert executions.asked == []
