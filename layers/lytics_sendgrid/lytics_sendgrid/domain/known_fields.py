"""Read a document that a newer release may have written: its unknown keys are ignored."""

import dataclasses
from collections.abc import Mapping
from typing import Any


def known_fields(cls: type[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a document that are fields of a dataclass."""
    names = {field.name for field in dataclasses.fields(cls)}
    return {name: value for name, value in document.items() if name in names}
