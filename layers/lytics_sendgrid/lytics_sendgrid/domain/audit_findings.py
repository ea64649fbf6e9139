"""What an audit found: ``audit`` writes it into its checkpoint, and ``report`` reads it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lytics_sendgrid.domain.known_fields import known_fields


@dataclass(slots=True)
class AuditFindings:
    """What an audit of SendGrid has found so far.

    Attributes:
        compared: contacts whose columns were compared.
        recent: contacts that were not compared: a row was sent shortly before or after the export.
        deleted: contacts that SendGrid accepted and does not have any more.
        overwritten: contacts with at least one overwritten field.
        fields: a field's name to the contacts in which it was overwritten.
        unread: a field's name to the contacts in which it was not compared: the file has no column for it, or
            no value that can be read.
        queued: contacts that are sent again.
        segments: what is wrong with segments, and what was done about it, for a person.
        wrong: pairs of an audience's name and why its segment still does not show it.
        trouble: why contacts were not compared; empty if they were.
    """

    compared: int = 0
    recent: int = 0
    deleted: int = 0
    overwritten: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    segments: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    trouble: str = ""

    def document(self) -> dict[str, Any]:
        """Return the findings as JSON values."""
        return {
            "counts": {
                "compared": self.compared,
                "recent": self.recent,
                "deleted": self.deleted,
                "overwritten": self.overwritten,
                "fields": dict(self.fields),
                "unread": dict(self.unread),
                "queued": self.queued,
            },
            "segments": list(self.segments),
            "wrong": [list(pair) for pair in self.wrong],
            "trouble": self.trouble,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned, from a whole checkpoint, too. Unknown keys are ignored."""
        counts = known_fields(cls, document["counts"])
        return cls(
            **counts | {name: Counter(counts.get(name)) for name in ("fields", "unread")},
            segments=list(document["segments"]),
            wrong=[(name, reason) for name, reason in document.get("wrong", ())],
            trouble=document["trouble"],
        )
