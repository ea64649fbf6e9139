"""What is wrong with an execution's input, in words."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lytics_sendgrid.sendgrid.resources import SEGMENTS_LIMIT

MAX_PARALLELISM: Final = 20
"""Requests that a run may have open at Lytics, which documents no limit but asks for restraint."""

_HOW_MANY: Final = (
    f"must name 1 to {SEGMENTS_LIMIT} audiences: a SendGrid account holds {SEGMENTS_LIMIT} segments"
)
_RANGES: Final = {"scan_parallelism": f"1 to {MAX_PARALLELISM}", "max_leavers_percent": "0 to 100"}
_MESSAGES: Final = {
    "too_short": _HOW_MANY,
    "too_long": _HOW_MANY,
    "string_pattern_mismatch": "must be 1 to 64 letters, digits, - or _, as part of a URL or a secret's name",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most 200 characters long",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list of texts in [ ]",
    "dict_type": "must be an object { } of Lytics fields and SendGrid fields",
    "literal_error": 'must be "clear" or "keep"',
}
_MISSING: Final = {
    "audiences": 'is missing: name at least one Lytics audience, such as "audiences": ["high_value_users"]',
    "export": 'is missing: name the export, such as "export": "newsletter"',
}
_MEANINGS: Final = {"start": "a start", "resync": "a resync", "stop": "a stop"}


def wrong_action(action: object, actions: Sequence[str]) -> str:
    """Return the fault of an action that does not exist."""
    valid = ", ".join(f'"{name}"' for name in actions)
    if not isinstance(action, str):
        return f'"action" must be one of {valid}, not {json_kind(action)}'
    near = difflib.get_close_matches(action.strip().lower(), actions, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"use one of {valid}"
    return f"\"action\": there is no action '{action[:64]}': {hint}"


def input_fault(
    detail: Mapping[str, Any], action: str, keys: Mapping[str, Sequence[str]], given: Mapping[str, Any]
) -> str:
    """Return what is wrong with one key of an input.

    Args:
        detail: of pydantic's error.
        action: the input's.
        keys: each action's keys.
        given: the whole input.
    """
    place, kind = detail["loc"], detail["type"]
    key = str(place[0])
    where = f'"{key}"'
    if len(place) > 1:
        where += f", entry {place[1] + 1}" if isinstance(place[1], int) else f', "{place[1]}"'
    if kind == "extra_forbidden":
        return f"{where} {_unknown_key(key, action, keys, given)}"
    if kind == "missing":
        return f"{where} {_MISSING[key]}"
    if key in _RANGES:
        message = f"must be a whole number from {_RANGES[key]}, without quotes"
    else:
        message = _MESSAGES.get(kind, "must be text in quotes")
    return f"{where} {message}{_but(kind, detail['input'])}"


def json_kind(value: object) -> str:
    """Return the type of a JSON value, in words."""
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


def _unknown_key(key: str, action: str, keys: Mapping[str, Sequence[str]], given: Mapping[str, Any]) -> str:
    others = [other for other, valid in keys.items() if key in valid]
    if others:
        words = " or ".join(_MEANINGS[other] for other in others)
        example = f'"action": "{others[0]}"'
        return f"belongs to {words}, and this input is {_MEANINGS[action]}: remove it, or put {example}"
    near = difflib.get_close_matches(
        key.lower(), [known for known in keys[action] if known not in given], n=1
    )
    hint = f'did you mean "{near[0]}"?' if near else f"valid keys are {', '.join(keys[action])}"
    return f"is not a valid key: {hint}"


def _but(kind: str, value: object) -> str:
    return f", not {json_kind(value)}" if kind.endswith("_type") else ""
