"""Write a JSON document as lines that a person can read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_STEP = "  "


def outline(value: object, indent: str = "") -> Iterator[str]:
    """Yield the lines of an object or a list, with the keys of the document.

    Texts have no quotes; other values look as in JSON, so that ``null`` and ``false`` are what the docs call
    them.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _is_nested(inner):
                yield f"{indent}{key}:"
                yield from outline(inner, indent + _STEP)
            else:
                yield f"{indent}{key}: {_scalar(inner)}".rstrip()
    elif isinstance(value, list):
        for inner in value:
            if _is_nested(inner):
                first, *others = outline(inner, indent + _STEP)
                yield f"{indent}- {first.lstrip()}"
                yield from others
            else:
                yield f"{indent}- {_scalar(inner)}"
    else:
        yield f"{indent}{_scalar(value)}"


def notes_first(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a document's notes as a list, then the rest of it."""
    notes = document.get("notes", [])
    if notes:
        yield "Notes"
        yield from outline(notes)
        yield ""
    yield from outline({key: value for key, value in document.items() if key != "notes"})


def printable(text: str) -> str:
    """Return a text without line breaks and other characters that a terminal acts on."""
    return "".join(character if character.isprintable() else " " for character in text)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def _scalar(value: object) -> str:
    return printable(value) if isinstance(value, str) else json.dumps(value)
