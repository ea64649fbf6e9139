"""Each event in events/states runs its function, and matches what the tasks before it return."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.export_tasks import Tasks, tasks_of

EVENTS = Path(__file__).resolve().parents[2] / "events" / "states"


def event(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return document


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    with tasks_of(monkeypatch) as deployed:
        for audience in event("provision")["audiences"]:
            details = {"slug": audience["slug"], "audience_id": audience["id"]}
            deployed.lytics.add_audience(audience["name"], **details)
        yield deployed


def shape(document: Any) -> Any:
    """Return a document without its times, sizes and estimates."""
    if isinstance(document, dict):
        return {
            key: shape(value)
            for key, value in document.items()
            if key not in {"started_at", "people", "estimate"}
        }
    return document


def test_tasks_accept_their_events(tasks: Tasks) -> None:
    planned = tasks.plan_of(event("plan")["input"])
    assert shape(planned) == shape({**event("provision"), "run": planned["run"]})
    provisioned = tasks.provision(event("provision"))
    assert json.loads(json.dumps(provisioned)) == event("settle")["provision"]
    assert tasks.settle(event("settle")).keys() == event("report")["settle"].keys()
    assert tasks.report(event("report"))["live"]
    assert tasks.ask(event("inspect"))["differences"] == []


def test_plan_event_holds_the_start_event() -> None:
    assert event("plan")["input"] == event("start-export")
