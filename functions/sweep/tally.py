"""What a sweep counts in one audience, and the guard against emptying it."""

from dataclasses import dataclass, field
from typing import Final

GUARD_FROM: Final = 50
"""So few may always leave: a small audience changes by large percentages."""


@dataclass(slots=True)
class Tally:
    """The counts of one audience.

    Attributes:
        members: contacts in the audience according to the ledger.
        suspects: of those, the ones that the scan should have seen and has not.
        returners: contacts outside that the scan has seen, and whose exit is more than 24 hours older.
        young: the same, with a younger exit.
        confirmed: of the young returners, how many a look-up confirmed.
        candidates: suspects that a second scan has not seen either.
        leavers: suspects who leave the audience.
        returned: contacts who are put back.
        stayed: suspects who stay, by reason.
        trouble: why nobody leaves the audience in this run, and what to do; empty if people may.
        note: what else a person should know.
    """

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

    def stay(self, reason: str, people: int) -> None:
        """Count suspects who stay."""
        if people:
            self.stayed[reason] = self.stayed.get(reason, 0) + people


def is_guarded(tally: Tally, max_leavers_percent: int) -> bool:
    """Return whether so many people are missing that nobody may leave on this run's word alone."""
    return tally.suspects > GUARD_FROM and tally.suspects * 100 > max_leavers_percent * tally.members
