"""How far an audit is: everything that its next invocation needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from functions.audit.compare import AuditCounts
from lytics_sendgrid.domain.audit_findings import AuditFindings

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
    wrong: list[tuple[str, str]] = field(default_factory=list)
    trouble: str = ""
    expected: dict[str, int] = field(default_factory=dict)

    @property
    def findings(self) -> AuditFindings:
        """What was found, which ``report`` reads."""
        counts = self.counts
        return AuditFindings(
            compared=counts.compared,
            recent=counts.recent,
            deleted=counts.deleted,
            overwritten=counts.overwritten,
            fields=dict(counts.fields),
            unread=dict(counts.unread),
            queued=counts.queued,
            segments=tuple(self.segments),
            wrong=tuple(self.wrong),
            trouble=self.trouble,
        )

    def document(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {
            "step": self.step.value,
            "job": self.job,
            "requested_ms": self.requested_ms,
            "part": self.part,
            "parts": self.parts,
            "position": None if self.position is None else list(self.position.items()),
            "expected": list(self.expected.items()),
            **self.findings.document(),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned."""
        position, findings = document["position"], AuditFindings.read(document)
        return cls(
            step=Step(document["step"]),
            job=document["job"],
            requested_ms=document["requested_ms"],
            part=document["part"],
            parts=document["parts"],
            position=None if position is None else {int(number): start for number, start in position},
            counts=AuditCounts.of(findings),
            segments=list(findings.segments),
            wrong=list(findings.wrong),
            trouble=findings.trouble,
            expected=dict(document["expected"]),
        )
