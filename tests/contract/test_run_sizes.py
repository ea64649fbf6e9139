"""A run of 200 audiences with long names, from task to task, within what Step Functions carries."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.activate import app as activate_app
from lytics_sendgrid.errors import ExportRefused
from lytics_sendgrid.workflow.limits import MAX_STATE_BYTES, json_bytes
from tests.contract.export_tasks import Tasks, context, tasks_of


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    monkeypatch.setenv("WEBHOOK_BASE_URL", "https://hooks.example.com/v1")
    activate_app._collaborators.cache_clear()
    with tasks_of(monkeypatch) as deployed:
        yield deployed
    activate_app._collaborators.cache_clear()


def add_audiences(tasks: Tasks, letters: str, count: int = 200) -> list[str]:
    """Add audiences to Lytics, whose names begin differently. Return their ids."""
    return [
        tasks.lytics.add_audience(f"{n:03d}{letters}", slug=f"slug_{n}", audience_id=f"{n + 1:032x}")
        for n in range(count)
    ]


@pytest.mark.parametrize("letter", ["名", "ü", '"', "\\"])
def test_200_audiences_with_long_names_pass_all_tasks(tasks: Tasks, letter: str) -> None:
    state = tasks.plan(*add_audiences(tasks, letter * 92), subscribe=False, backfill=False)
    sizes = [json_bytes(state)]
    parts: dict[str, Any] = {
        "provision": tasks.provision,
        "activation": lambda state: activate_app.lambda_handler(state, context()),
        "settle": tasks.settle,
    }
    for part, task in parts.items():
        state = {**state, part: task(state)}
        sizes.append(json_bytes(state))
    report = tasks.report(state)
    assert max(*sizes, json_bytes(report)) <= MAX_STATE_BYTES
    assert state["provision"]["segments"] == 200
    assert [audience["id"] for audience in state["activation"]["paste"]["audiences"]][-1] == f"{200:032x}"
    assert {audience["name"] for audience in report["audiences"]} == {
        f"{n:03d}{letter * 92}" for n in range(200)
    }


def test_too_long_names_are_refused_before_anything_is_made(tasks: Tasks) -> None:
    audiences = add_audiences(tasks, "名" * 400)
    with pytest.raises(ExportRefused, match="Step Functions carries at most 262144"):
        tasks.plan(*audiences)
    assert tasks.writes() == []
