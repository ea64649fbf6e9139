"""What a sweep found: ``sweep`` writes it into its checkpoint, and ``report`` reads it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lytics_sendgrid.domain.known_fields import known_fields


@dataclass(slots=True)
class SweptAudience:
    """What a sweep counted in one audience.

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

    @property
    def waiting(self) -> int:
        """Young returners that no look-up has confirmed: the next resync decides about them."""
        return max(0, self.young - self.confirmed)

    def stay(self, reason: str, people: int) -> None:
        """Count suspects who stay."""
        if people:
            self.stayed[reason] = self.stayed.get(reason, 0) + people


@dataclass(frozen=True, slots=True)
class SweepFindings:
    """What a sweep found.

    Attributes:
        contacts: how many contacts of the ledger were compared with the scans.
        doubt: why look-ups in Lytics are not believed; empty if they are.
        audiences: audience id to what was counted in it.
    """

    contacts: int = 0
    doubt: str = ""
    audiences: Mapping[str, SweptAudience] = field(default_factory=dict)

    def of(self, audience: str) -> SweptAudience:
        """Return what was counted in an audience: nothing, if it was not swept."""
        return self.audiences.get(audience, SweptAudience())

    def document(self) -> dict[str, Any]:
        """Return the findings as JSON values."""
        return {
            "contacts": self.contacts,
            "doubt": self.doubt,
            "tallies": {audience: dataclasses.asdict(swept) for audience, swept in self.audiences.items()},
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned, from a whole checkpoint, too. Unknown keys are ignored."""
        tallies = document["tallies"].items()
        return cls(
            contacts=document["contacts"],
            doubt=document.get("doubt", ""),
            audiences={
                audience: SweptAudience(**known_fields(SweptAudience, tally)) for audience, tally in tallies
            },
        )
