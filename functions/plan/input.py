"""The input of an execution, as a person types it into the Step Functions console."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lytics_sendgrid.sendgrid.resources import SEGMENTS_LIMIT
from lytics_sendgrid.workflow.state_part import StatePart

_STARTED_BY: Final = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
"""Step Functions adds this key to the input of an execution that another execution starts."""


type Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
type Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class PlanRequest(StatePart):
    """What the state machine passes to ``plan``: the execution's name and its input, whatever that is."""

    run: str
    input: Any


class ExportInput(BaseModel):
    """What to export. Only ``audiences`` is required."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

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


_KEYS: Final = tuple(field.alias or name for name, field in ExportInput.model_fields.items())


@dataclass(frozen=True, slots=True)
class Reading:
    """As much of an input as could be read, so that the rest of the plan can be checked with it.

    Attributes:
        wanted: the input without its faulty parts. A faulty key has its default; ``audiences`` may be empty.
        faults: for a person.
        faulty: the keys that have a fault.
    """

    wanted: ExportInput
    faults: tuple[str, ...]
    faulty: frozenset[str]


def read_input(document: object) -> Reading:
    """Read an execution's input and report all its faults."""
    if not isinstance(document, dict):
        example = '{"audiences": ["name of an audience"]}'
        fault = f"The input is {_kind(document)}, not a JSON object: start with {example}"
        return Reading(_sound({}), (fault,), frozenset(_KEYS))
    given = {key: value for key, value in document.items() if key != _STARTED_BY}
    try:
        return Reading(ExportInput.model_validate(given), (), frozenset())
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults = dict.fromkeys(_fault(detail, given) for detail in details)
        sound = _sound(_pruned(given, [detail["loc"] for detail in details]))
        return Reading(sound, tuple(faults), frozenset(str(detail["loc"][0]) for detail in details))


def _sound(keys: Mapping[str, Any]) -> ExportInput:
    audiences = keys.get("audiences") or []
    read = ExportInput.model_validate({**keys, "audiences": audiences or ["-"]})
    return read.model_copy(update={"audiences": audiences})


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


def _fault(detail: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    place, kind = detail["loc"], detail["type"]
    key = str(place[0])
    where = f'"{key}"'
    if len(place) > 1:
        where += f", entry {place[1] + 1}" if isinstance(place[1], int) else f', "{place[1]}"'
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(key.lower(), [known for known in _KEYS if known not in given], n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"valid keys are {', '.join(_KEYS)}"
        return f"{where} is not a valid key: {hint}"
    return f"{where} {_MESSAGES.get(kind, 'must be text in quotes')}{_but(kind, detail['input'])}"


_HOW_MANY: Final = (
    f"must name 1 to {SEGMENTS_LIMIT} audiences: a SendGrid account holds {SEGMENTS_LIMIT} segments"
)
_MESSAGES: Final = {
    "missing": 'is missing: name at least one Lytics audience, such as "audiences": ["high_value_users"]',
    "too_short": _HOW_MANY,
    "too_long": _HOW_MANY,
    "string_pattern_mismatch": "must be 1 to 64 letters, digits, - or _, as part of a URL or a secret's name",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most 200 characters long",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list of texts in [ ]",
    "dict_type": "must be an object { } of Lytics fields and SendGrid fields",
}


def _but(kind: str, value: object) -> str:
    return f", not {_kind(value)}" if kind.endswith("_type") else ""


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"
