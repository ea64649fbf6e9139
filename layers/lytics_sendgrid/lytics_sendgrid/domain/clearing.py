"""The checkpoint of a clearing: ``clear`` writes it into the exports table, and ``report`` reads it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class SegmentEnd(StrEnum):
    """What became of a cleared audience's segment."""

    EMPTY = "empty"
    """It stays, with nobody in it."""
    DELETED = "deleted"
    GONE = "gone"
    """Somebody else has deleted it."""
    LEFT = "left"
    """It was to be deleted, but something stands against it."""


@dataclass(frozen=True, slots=True)
class ClearedSegment:
    """The segment of a cleared audience.

    Attributes:
        end: what became of it.
        name: its name; empty if it is gone.
        reason: why it was left, and what to do; otherwise empty.
    """

    end: SegmentEnd
    name: str = ""
    reason: str = ""

    def document(self) -> dict[str, str]:
        """Return it as JSON values, without empty texts."""
        values = {"name": self.name, "outcome": self.end.value, "reason": self.reason}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def read(cls, document: Mapping[str, str]) -> Self:
        """Read what ``document`` returned."""
        return cls(SegmentEnd(document["outcome"]), document.get("name", ""), document.get("reason", ""))


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
        segments: audience id to what became of its segment, once the run has settled.
    """

    to_clear: Mapping[str, int]
    next_start: str | None = None
    walked: bool = False
    people: Mapping[str, int] = dataclasses.field(default_factory=dict)
    contacts: int = 0
    expected: tuple[tuple[str, int], ...] = ()
    segments: Mapping[str, ClearedSegment] = dataclasses.field(default_factory=dict)

    @property
    def confirmed(self) -> Mapping[str, int]:
        """What is cleared once the run has settled: ``to_clear``, if the walk is done."""
        return self.to_clear if self.walked else {}

    def document(self) -> dict[str, Any]:
        """Return the clearing as JSON values."""
        return {
            "to_clear": dict(self.to_clear),
            "next_start": self.next_start,
            "walked": self.walked,
            "people": dict(self.people),
            "contacts": self.contacts,
            "expected": [list(pair) for pair in self.expected],
            "segments": {audience: segment.document() for audience, segment in self.segments.items()},
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned."""
        return cls(
            to_clear=document["to_clear"],
            next_start=document["next_start"],
            walked=document["walked"],
            people=document["people"],
            contacts=document["contacts"],
            expected=tuple((prefix, count) for prefix, count in document["expected"]),
            segments={
                audience: ClearedSegment.read(segment)
                for audience, segment in document.get("segments", {}).items()
            },
        )
