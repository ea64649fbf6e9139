"""Each event in events/states runs its function, and matches what the tasks before it return."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lytics_sendgrid.lytics.webhook_jobs import JOB_DESCRIPTION
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
            if key not in {"started_at", "people", "estimate", "notes"}
        }
    return document


def test_tasks_accept_their_events(tasks: Tasks) -> None:
    planned = tasks.plan_of(event("plan")["input"])
    assert shape(planned) == shape({**event("provision"), "run": planned["run"]})
    provisioned = tasks.provision(event("provision"))
    assert json.loads(json.dumps(provisioned)) == event("settle")["provision"]
    assert tasks.settle(event("settle")).keys() == event("report")["settle"].keys()
    assert tasks.report(event("report"))["live"]
    url = "https://hooks.example.com/v1/lytics/newsletter"
    tasks.lytics.seed_job("webhook_triggers", config={"webhook_url": url})
    assert tasks.ask(event("inspect"))["differences"] == []


@pytest.fixture
def live(tasks: Tasks) -> Tasks:
    """Return the tasks with the export of the events, provisioned and subscribed."""
    tasks.provision(event("provision"))
    job = tasks.lytics.seed_job("webhook_triggers", name="SendGrid export newsletter")
    tasks.lytics.jobs()[-1].details["description"] = JOB_DESCRIPTION
    export = tasks.exports.export("newsletter")
    assert export is not None
    tasks.exports.put_export(replace(export, lytics_job=job))
    return tasks


def test_tasks_of_a_removal_accept_their_events(live: Tasks) -> None:
    planned = live.plan_of(event("stop-export") | {"clear": True, "delete_segments": True})
    state = event("deactivate")
    job = {"activation": state["activation"], "run": state["run"]}
    assert shape(planned | job) == shape(state)
    assert live.deactivate(state)["job"] == event("clear")["deactivation"]["job"]
    cleared = live.clear(event("clear"))
    assert (cleared["done"], cleared["audiences"], cleared["finish"]) == (True, 3, True)
    finished = live.clear({"finish": event("clear") | {"clearing": cleared}})
    assert finished == {"cleared": 3, "deleted": 3, "left": 0}


def test_tasks_of_a_resync_accept_their_events(live: Tasks) -> None:
    planned = live.plan_of(event("resync-export") | {"audit": True})
    state = event("sweep")
    parts = {name: state[name] for name in ("activation", "run", "clearing")}
    assert shape(planned | parts) == shape(state)
    assert live.sweep(state)["done"]
    first = live.audit(event("audit"))
    assert (first["done"], first["wait_s"] > 0) == (False, True)


def test_plan_event_holds_the_start_event() -> None:
    assert event("plan")["input"] == event("start-export")
