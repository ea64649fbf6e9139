"""What a sweep counts in one audience, and the guard against emptying it."""

import dataclasses
from dataclasses import dataclass, field
from typing import Final, Self

from lytics_sendgrid.domain.sweep_findings import SweptAudience

GUARD_FROM: Final = 50
"""This many people may always leave: a small audience changes by large percentages."""


@dataclass(slots=True)
class Tally:
    """The counts of a ``SweptAudience`` while they grow."""

    members: int = 0
    suspects: int = 0
    returners: int = 0
    young: int = 0
    confirmed: int = 0
    candidates: int = 0
    leavers: int = 0
    returned: int = 0
    stayed: dict[str, int] = field(default_factory=dict)
    trouble: str = ""
    note: str = ""

    @property
    def findings(self) -> SweptAudience:
        """What was counted, which ``report`` reads."""
        return SweptAudience(**dataclasses.asdict(self))

    @classmethod
    def of(cls, swept: SweptAudience) -> Self:
        """Return the counts of an audience, to count on."""
        return cls(**dataclasses.asdict(swept))

    def stay(self, reason: str, people: int) -> None:
        """Count suspects who stay."""
        if people:
            self.stayed[reason] = self.stayed.get(reason, 0) + people


def is_guarded(tally: Tally, max_leavers_percent: int) -> bool:
    """Return whether too many people are missing for this run alone to remove anybody."""
    return tally.suspects > GUARD_FROM and tally.suspects * 100 > max_leavers_percent * tally.members
