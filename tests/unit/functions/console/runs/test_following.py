"""A run is followed into every execution that it goes on in."""

from functions.console.aws.executions import Execution
from functions.console.runs.following import first_execution, last_execution


class Executions:
    def __init__(self, *found: Execution) -> None:
        self.found = {execution.arn: execution for execution in found}
        self.asked: list[str] = []

    def arn(self, name: str) -> str:
        return f"arn:{name}"

    def describe(self, arn: str) -> Execution | None:
        self.asked.append(arn)
        return self.found.get(arn)


def execution(name: str, goes_on_in: str | None = None, **document: object) -> Execution:
    output = {"goes_on_in": goes_on_in} if goes_on_in else {}
    status = "SUCCEEDED" if goes_on_in else "RUNNING"
    return Execution(f"arn:{name}", name, status, 1, input=document, output=output)


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


def test_run_is_in_the_last_execution_that_is_known() -> None:
    first, second, third = execution("r-1", "arn:r-2"), execution("r-2", "arn:r-3"), execution("r-3")
    assert last_execution(Executions(first, second, third), first) is third
    assert last_execution(Executions(first, second), first) is second
    assert last_execution(Executions(third), third) is third


def test_circle_of_executions_ends() -> None:
    first, second = execution("r-1", "arn:r-2"), execution("r-2", "arn:r-1")
    assert last_execution(Executions(first, second), first) in (first, second)
