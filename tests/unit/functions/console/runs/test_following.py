"""A run is found by its export and its name."""

from typing import Any

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


class Store:
    def __init__(self, **known: dict[str, Any]) -> None:
        self.known = known

    def get(self, pk: str, now_s: float) -> dict[str, Any] | None:
        return self.known.get(pk.removeprefix("run#"))


def first(executions: Executions, export: str, run: str, store: Store | None = None) -> Execution | None:
    return first_execution(executions, store or Store(), export, run, 1_000.0)


def execution(name: str, **document: object) -> Execution:
    return Execution(f"arn:{name}", name, "RUNNING", 1, input=document)


def test_run_is_found_by_its_export_and_name() -> None:
    run = execution("r-1", export="newsletter")
    executions = Executions(run)
    assert first(executions, "newsletter", "r-1") is run
    assert first(executions, "another", "r-1") is None
    assert first(executions, "newsletter", "r-2") is None


def test_run_without_a_name_of_an_export_is_the_default_ones() -> None:
    run = execution("r-1")
    assert first(Executions(run), "default", "r-1") is run


def test_name_that_no_execution_can_have_is_not_asked_for() -> None:
    executions = Executions()
    for name in ("", "a:b", "x" * 81, "../x", "é"):
        assert first(executions, "newsletter", name) is None
    assert executions.asked == []


def test_run_just_started_in_the_console_is_running() -> None:
    known = {"started_s": 941, "export": "newsletter", "action": "stop"}
    store = Store(run=known, old=known | {"started_s": 940})
    found = first(Executions(), "newsletter", "run", store)
    document = {"export": "newsletter", "action": "stop"}
    assert found == Execution("arn:run", "run", "RUNNING", 941, input=document)
    assert first(Executions(), "another", "run", store) is None
    assert first(Executions(), "newsletter", "old", store) is None
