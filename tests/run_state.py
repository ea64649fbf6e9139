"""The state of a run, as a task of the state machine receives it."""

import json
from pathlib import Path
from typing import Any

_EVENT = Path(__file__).resolve().parents[1] / "events" / "states" / "report.json"


def run_state(**changes: Any) -> dict[str, Any]:
    """Return the state of a run that has settled, with some of its parts replaced."""
    state: dict[str, Any] = json.loads(_EVENT.read_text())
    return state | changes
