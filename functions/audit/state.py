"""How far an audit is: everything that its next invocation needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

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
        findings: what was found, which ``report`` reads.
        expected: prefix of message numbers to how many messages have it.
    """

    step: Step = Step.SEGMENTS
    job: str = ""
    requested_ms: int = 0
    part: int = 0
    parts: int = 1
    position: Position | None = None
    findings: AuditFindings = field(default_factory=AuditFindings)
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
            "expected": list(self.expected.items()),
            **self.findings.document(),
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
            findings=AuditFindings.read(document),
            expected=dict(document["expected"]),
        )
