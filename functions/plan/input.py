"""The input of an execution, as a person types it into the Step Functions console, for each action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from functions.plan.input_faults import MAX_PARALLELISM, input_fault, json_kind, wrong_action
from lytics_sendgrid.sendgrid.resources import SEGMENTS_LIMIT
from lytics_sendgrid.workflow.faults import Fault, pointer
from lytics_sendgrid.workflow.state_part import StatePart

_STARTED_BY: Final = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
"""Step Functions adds this key to the input of an execution that another execution starts."""


type Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
type Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
type Parallelism = Annotated[int, Field(ge=1, le=MAX_PARALLELISM)]
type Percent = Annotated[int, Field(ge=0, le=100)]
type ExportInput = StartInput | ResyncInput | StopInput


class PlanRequest(StatePart):
    """What the state machine passes to ``plan``.

    Attributes:
        run: the execution's name.
        execution: its ARN; empty outside a state machine.
        input: its input, whatever that is.
    """

    run: str
    execution: str = ""
    input: Any


class ActionInput(BaseModel):
    """The input of an action. Unknown keys are a fault."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StartInput(ActionInput):
    """What to export. Only ``audiences`` is required."""

    action: Literal["start"] = "start"
    export: Name = "default"
    authorization: Name = "default"
    audiences: Annotated[list[Text], Field(min_length=1, max_length=SEGMENTS_LIMIT)]
    email_field: Text = "email"
    first_name_field: Text | None = "first_name"
    last_name_field: Text | None = "last_name"
    contact_list: Text | None = Field(default=None, alias="list")
    custom_fields: dict[Text, Text] = Field(default_factory=dict)
    backfill: bool = True
    subscribe: bool = True
    dry_run: bool = False
    adopt: bool = False
    removed_audiences: Literal["clear", "keep"] = "clear"
    delete_segments: bool = False
    repair_segments: bool = False
    scan_parallelism: Parallelism = 4
    max_leavers_percent: Percent = 20


class ResyncInput(ActionInput):
    """Which export to bring back to the truth. The rest is in its stored configuration."""

    action: Literal["resync"]
    export: Name
    dry_run: bool = False
    audit: bool = False
    restore_deleted: bool = False
    repair_segments: bool = False
    scan_parallelism: Parallelism = 4
    max_leavers_percent: Percent = 20
    scheduled: bool = False


class StopInput(ActionInput):
    """Which export to stop. The rest is in its stored configuration."""

    action: Literal["stop"]
    export: Name
    dry_run: bool = False
    clear: bool = False
    delete_segments: bool = False


INPUTS: Final[Mapping[str, type[ActionInput]]] = {
    "start": StartInput,
    "resync": ResyncInput,
    "stop": StopInput,
}
"""Each action, and what its input may have."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    action: tuple(field.alias or name for name, field in model.model_fields.items())
    for action, model in INPUTS.items()
}
"""Each action, and its keys as a person writes them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """As much of an input as could be read, so that the rest of the plan can be checked with it.

    Attributes:
        wanted: the input without its faulty parts. A faulty key has its default; ``audiences`` may be empty.
            None: the rest says nothing without the faulty parts.
        faults: for a person, each with its place.
        faulty: the keys that have a fault.
        action: what the input wants to do; empty if it has no valid action.
    """

    wanted: ExportInput | None
    faults: tuple[Fault, ...]
    faulty: frozenset[str]
    action: str = ""


def read_input(document: object) -> Reading:
    """Read an execution's input and report all its faults."""
    if not isinstance(document, dict):
        example = '{"audiences": ["name of an audience"]}'
        fault = f"The input is {json_kind(document)}, not a JSON object: start with {example}"
        return Reading(None, (Fault(fault),), frozenset())
    given = {key: value for key, value in document.items() if key != _STARTED_BY}
    action = given.get("action", "start")
    if not isinstance(action, str) or action not in INPUTS:
        # Which other keys are valid depends on the action.
        fault = wrong_action(action, tuple(INPUTS))
        return Reading(None, (Fault(fault, pointer("action")),), frozenset({"action"}))
    try:
        wanted = _read(action, given)
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A key of an object that is itself at fault has a third step, ``[key]``.
        faults = dict.fromkeys(
            Fault(input_fault(detail, action, KEYS, given), pointer(*detail["loc"][:2])) for detail in details
        )
        faulty = frozenset(str(detail["loc"][0]) for detail in details)
        sound = _sound(action, _pruned(given, [d["loc"] for d in details]))
        return Reading(sound, tuple(faults), faulty, action)
    return Reading(wanted, _without_effect(wanted), frozenset(), action)


def _read(action: str, given: Mapping[str, Any]) -> ExportInput:
    match action:
        case "resync":
            return ResyncInput.model_validate(given)
        case "stop":
            return StopInput.model_validate(given)
        case _:
            return StartInput.model_validate(given)


def _sound(action: str, keys: Mapping[str, Any]) -> ExportInput | None:
    if action != "start":
        return _read(action, keys) if "export" in keys else None
    if keys.get("audiences"):
        return _read(action, keys)
    return _read(action, {**keys, "audiences": ["-"]}).model_copy(update={"audiences": []})


def _pruned(given: Mapping[str, Any], places: Sequence[tuple[int | str, ...]]) -> dict[str, Any]:
    """Remove the faulty elements of a list or an object, otherwise the whole faulty key."""
    sound = dict(given)
    for key in {str(place[0]) for place in places}:
        inside = {place[1] for place in places if place[0] == key and len(place) > 1}
        value = sound.pop(key, None)
        if any(place == (key,) for place in places):
            continue
        if isinstance(value, list):
            sound[key] = [element for number, element in enumerate(value) if number not in inside]
        else:
            sound[key] = {name: element for name, element in (value or {}).items() if name not in inside}
    return sound


def _without_effect(wanted: ExportInput) -> tuple[Fault, ...]:
    """Return a fault for each key that does nothing without another."""
    match wanted:
        case ResyncInput(audit=False):
            keys = [key for key in ("restore_deleted", "repair_segments") if getattr(wanted, key)]
            return tuple(
                Fault(
                    f'"{key}" needs "audit": true, which finds what was changed in SendGrid: add it, or '
                    f'remove "{key}"',
                    pointer(key),
                )
                for key in keys
            )
        case StopInput(clear=False, delete_segments=True):
            return (
                Fault(
                    '"delete_segments" needs "clear": true, because only a cleared audience\'s segment is '
                    'deleted: add it, or remove "delete_segments"',
                    pointer("delete_segments"),
                ),
            )
        case _:
            return ()
