"""Put each fault of a check beside the control of the form that it is about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.workflow.faults import Fault, pointer

LABELS: Final[Mapping[str, str]] = {
    "export": "Name",
    "authorization": "Authorization",
    "audiences": "Audiences",
    "email_field": "Email Field",
    "first_name_field": "First Name Field",
    "last_name_field": "Last Name Field",
    "list": "List",
    "custom_fields": "Custom Field Mappings",
    "backfill": "Send everybody",
    "subscribe": "Let Lytics send every change",
    "adopt": "Take over the field lytics_segments",
    "delete_segments": "Delete segments",
    "repair_segments": "Repair segments",
    "removed_audiences": "Audiences that you take out",
}
"""The controls of the form, by the key of the input that each fills."""

_KEYS: Final = re.compile(r'"[a-z_]+": (?:"[^"]*": "[^"]*": )?')
"""At the beginning of a fault: the key of the input, and of a mapping both fields."""

ADVANCED: Final = frozenset(LABELS) - {"export", "authorization", "audiences", "email_field"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A fault and its place in the form.

    Attributes:
        text: of the fault.
        control: the id of the control in the page; empty: it is about no control.
        label: of that control.
        audience: the reference of the audience that it is about; empty: about none.
        key: of the input.
    """

    text: str
    control: str = ""
    label: str = ""
    audience: str = ""
    key: str = ""


def placed(faults: Sequence[Fault], form: Mapping[str, Any]) -> tuple[Placed, ...]:
    """Return faults with their places.

    Args:
        faults: of a check of this form.
        form: as it was checked.
    """
    rows: dict[str, int] = {}
    for number, row in enumerate(form.get("rows", ()), start=1):
        rows.setdefault(pointer("custom_fields", row[0]), number)
    audiences = {pointer("audiences", n): ref for n, ref in enumerate(form.get("audiences", ()))}
    return tuple(_placed(fault, rows, audiences) for fault in faults)


def is_advanced(faults: Sequence[Placed]) -> bool:
    """Return whether a fault is about a control below *Show Advanced Options*."""
    return any(fault.key in ADVANCED for fault in faults)


def _placed(fault: Fault, rows: Mapping[str, int], audiences: Mapping[str, str]) -> Placed:
    key = fault.at.removeprefix("/").partition("/")[0]
    if key not in LABELS:
        return Placed(fault.text)
    control = f"row-{rows[fault.at]}" if fault.at in rows else key
    return Placed(_beside(fault.text, key), control, LABELS[key], audiences.get(fault.at, ""), key)


def _beside(text: str, key: str) -> str:
    """Return the text of a fault without the key of the input: its control has a label instead."""
    if text.startswith(f'"{key}" '):
        return f"{LABELS[key]} {text.removeprefix(f'"{key}" ')}"
    return text[match.end() :] if (match := _KEYS.match(text)) else text
