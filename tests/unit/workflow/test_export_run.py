"""The state of a run: its JSON stays as it is, and a wrong state is refused with every fault."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lytics_sendgrid.errors import InputInvalid
from lytics_sendgrid.workflow.export_run import ActivatedRun, ExportRun
from tests.run_state import run_state

EVENTS = Path(__file__).resolve().parents[3] / "events" / "states"


@pytest.mark.parametrize("event", ["provision", "activate", "settle", "report"])
def test_state_is_written_as_it_was_read(event: str) -> None:
    text = (EVENTS / f"{event}.json").read_text()
    assert json.dumps(ExportRun.read(json.loads(text)).document()) == json.dumps(json.loads(text))


def test_unknown_keys_are_ignored() -> None:
    assert ExportRun.read(run_state(goes_on_in="arn")) == ExportRun.read(run_state())


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (None, "is not valid: input: Input should be an object"),
        ([], "input: Input should be an object"),
        ({"run": 1}, "run: Input should be a valid string; started_at: Field required;"),
        (run_state(subscribe="no"), ": subscribe: Input should be a valid boolean. Start the state machine"),
        (
            run_state(config=run_state()["config"] | {"mapping": [{}]}),
            "config.mapping.0.lytics: Field required",
        ),
        (run_state(activation={"live": True}), "activation.running: Field required"),
        ({"run": "r"}, "config: Field required. Start"),
    ],
)
def test_wrong_state_is_refused_with_every_fault(event: Any, text: str) -> None:
    with pytest.raises(InputInvalid) as raised:
        ExportRun.read(event)
    assert text in str(raised.value)


def test_more_than_ten_faults_are_counted() -> None:
    with pytest.raises(InputInvalid, match=r"plan: Field required \(and 1 more\)\. Start"):
        ExportRun.read({})


@pytest.mark.parametrize("part", ["provision", "activation"])
def test_report_needs_every_part_before_it(part: str) -> None:
    with pytest.raises(InputInvalid, match=f"{part}: Input should be an object"):
        ActivatedRun.read(run_state(**{part: None}))


def test_refusal_quotes_no_value() -> None:
    with pytest.raises(InputInvalid) as raised:
        ExportRun.read(run_state(account=["jane@example.com"]))
    assert "jane" not in str(raised.value) + str(raised.value.__cause__)


def test_state_is_frozen() -> None:
    run = ExportRun.read(run_state())
    with pytest.raises(ValidationError, match="frozen"):
        run.run = "other"
