"""The checkpoint of a sweep: everything that its next invocation needs, in one item of the exports table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from functions.sweep.kept import Kept
from lytics_sendgrid.domain.sweep_findings import SweepFindings, SweptAudience
from lytics_sendgrid.domain.walking import Position, first_position


class Step(StrEnum):
    """What the sweep is at."""

    WALK = "walk"
    """Find suspects and returners in the ledger."""
    LOOK_UP = "look_up"
    """Ask Lytics about each of them, if look-ups can be believed."""
    SECOND_SCAN = "second_scan"
    """Scan again the audiences whose suspects look-ups could not decide."""
    SECOND_WALK = "second_walk"
    """Find the people that neither scan has seen."""
    SAMPLE = "sample"
    """Ask Lytics about some of them."""
    QUEUE = "queue"
    """Queue the exits of leavers and the enters of returners."""
    DONE = "done"


@dataclass(slots=True)
class SweepState:
    """How far a sweep is.

    Attributes:
        step: what it is at.
        position: of the present walk.
        tallies: audience id to what was counted in it.
        suspects: people who are in an audience, and that its scan has not seen.
        young: people outside that the scan has seen, with an exit of the last 24 hours.
        returning: the same, with an older exit.
        believed: look-ups find people that the scans have shown; None: not tried yet.
        doubt: why look-ups are not believed. ``no_identity``: the e-mail fields identify nobody.
            ``no_sample``: there is nobody to try them with. ``not_found``: they did not confirm somebody
            whom a scan has shown.
        answers: address to what look-ups said of each audience: true, false, or null if it is unclear.
        asked: the second scans were asked for.
        samples: audience id to people at random that neither scan has seen.
        leavers: audience id to the people who leave it. The others that neither scan has seen stay.
        by_walk: audiences with too many leavers to list: another walk queues everybody whom neither scan has
            seen.
        confirmed: audience id to the young returners that a look-up has shown.
        read_units: what DynamoDB charged for all walks.
        contacts: how many contacts the first walk has visited.
        expected: pairs of a prefix of message numbers and how many messages have it.
    """

    step: Step = Step.WALK
    position: Position = field(default_factory=first_position)
    tallies: dict[str, SweptAudience] = field(default_factory=dict)
    suspects: Kept = field(default_factory=Kept)
    young: Kept = field(default_factory=Kept)
    returning: Kept = field(default_factory=Kept)
    believed: bool | None = None
    doubt: str = ""
    answers: dict[str, dict[str, bool | None]] = field(default_factory=dict)
    asked: bool = False
    samples: dict[str, list[str]] = field(default_factory=dict)
    leavers: dict[str, list[str]] = field(default_factory=dict)
    by_walk: set[str] = field(default_factory=set)
    confirmed: dict[str, list[str]] = field(default_factory=dict)
    read_units: float = 0.0
    contacts: int = 0
    expected: tuple[tuple[str, int], ...] = ()

    @property
    def findings(self) -> SweepFindings:
        """What was found, which ``report`` reads."""
        return SweepFindings(self.contacts, self.doubt, self.tallies)

    def forget_people(self) -> None:
        """Drop every address: nothing needs them once the sweep is done."""
        self.suspects, self.young, self.returning = Kept(), Kept(), Kept()
        self.answers, self.samples, self.leavers, self.confirmed = {}, {}, {}, {}

    def document(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {
            "step": self.step.value,
            "position": sorted(self.position.items()),
            "suspects": self.suspects.document(),
            "young": self.young.document(),
            "returning": self.returning.document(),
            "believed": self.believed,
            "answers": self.answers,
            "asked": self.asked,
            "samples": self.samples,
            "leavers": self.leavers,
            "by_walk": sorted(self.by_walk),
            "confirmed": self.confirmed,
            "read_units": self.read_units,
            "expected": [list(entry) for entry in self.expected],
            **self.findings.document(),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Self:
        """Read what ``document`` returned; None: a sweep that has not begun."""
        if document is None:
            return cls()
        findings = SweepFindings.read(document)
        return cls(
            step=Step(document["step"]),
            position=dict(document["position"]),
            tallies=dict(findings.audiences),
            suspects=Kept.read(document["suspects"]),
            young=Kept.read(document["young"]),
            returning=Kept.read(document["returning"]),
            believed=document["believed"],
            doubt=findings.doubt,
            answers=document["answers"],
            asked=document["asked"],
            samples=document["samples"],
            leavers=document["leavers"],
            by_walk=set(document["by_walk"]),
            confirmed=document["confirmed"],
            read_units=document["read_units"],
            contacts=findings.contacts,
            expected=tuple((prefix, count) for prefix, count in document["expected"]),
        )
