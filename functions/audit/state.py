"""How far an audit is: everything that its next invocation needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from functions.audit.compare import AuditCounts

type Position = dict[int, str | None]


class Step(StrEnum):
    """What comes next."""

    SEGMENTS = "segments"
    REQUEST = "request"
    WAIT = "wait"
    COMPARE = "compare"
    DONE = "done"


@dataclass(slots=True)
class AuditState:
    """The checkpoint of an audit.

    Attributes:
        step: what comes next.
        job: SendGrid's id of the export.
        requested_ms: when the export was requested, milliseconds since 1970.
        part: which part of the addresses is compared, from 0.
        parts: how many there are.
        position: where each segment of the walk goes on; None: the part's walk has not begun.
        counts: what was found.
        segments: what is wrong with segments, and what was done about it, for a person.
        wrong: pairs of an audience's name and why its segment still does not show it.
        trouble: why contacts were not compared; empty if they were.
        expected: prefix of message numbers to how many messages have it.
    """

    step: Step = Step.SEGMENTS
    job: str = ""
    requested_ms: int = 0
    part: int = 0
    parts: int = 1
    position: Position | None = None
    counts: AuditCounts = field(default_factory=AuditCounts)
    segments: list[str] = field(default_factory=list)
    wrong: list[list[str]] = field(default_factory=list)
    trouble: str = ""
    expected: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {
            "step": self.step.value,
            "job": self.job,
            "requested_ms": self.requested_ms,
            "part": self.part,
            "parts": self.parts,
            "position": None if self.position is None else list(self.position.items()),
            "counts": self.counts.document(),
            "segments": self.segments,
            "wrong": self.wrong,
            "trouble": self.trouble,
            "expected": list(self.expected.items()),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned."""
        position = document["position"]
        return cls(
            step=Step(document["step"]),
            job=document["job"],
            requested_ms=document["requested_ms"],
            part=document["part"],
            parts=document["parts"],
            position=None if position is None else {int(number): start for number, start in position},
            counts=AuditCounts.read(document["counts"]),
            segments=list(document["segments"]),
            wrong=document.get("wrong", []),
            trouble=document["trouble"],
            expected=dict(document["expected"]),
        )
