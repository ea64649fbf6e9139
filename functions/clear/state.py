"""The checkpoint of a clearing, as it is kept in the exports table."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Clearing:
    """How far a clearing is.

    Attributes:
        to_clear: audience id to the Unix time at which the configuration without it was written.
        next_start: where the walk goes on; None: at the ledger's beginning.
        walked: the walk is done.
        people: audience id to the number of contacts that had it and were queued.
        contacts: how many contacts were queued.
        expected: pairs of a prefix of message numbers and how many messages have it.
    """

    to_clear: Mapping[str, int]
    next_start: str | None = None
    walked: bool = False
    people: Mapping[str, int] = dataclasses.field(default_factory=dict)
    contacts: int = 0
    expected: tuple[tuple[str, int], ...] = ()

    @property
    def confirmed(self) -> Mapping[str, int]:
        """What is cleared once the run has settled: ``to_clear``, if the walk is done."""
        return self.to_clear if self.walked else {}


def clearing_document(clearing: Clearing) -> dict[str, Any]:
    """Return a clearing as JSON values."""
    return dataclasses.asdict(clearing) | {"expected": [list(pair) for pair in clearing.expected]}


def clearing_from(document: Mapping[str, Any] | None) -> Clearing | None:
    """Read what ``clearing_document`` returned."""
    if document is None:
        return None
    names = {field.name for field in dataclasses.fields(Clearing)}
    values = {name: value for name, value in document.items() if name in names}
    return Clearing(**values | {"expected": tuple(tuple(pair) for pair in document["expected"])})
