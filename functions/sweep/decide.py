"""Decide which of an audience's suspects leave it: pure rules over what scans and look-ups have shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

CALIBRATION: Final = 20
"""Look-ups must find this many people whom the scans have shown before look-ups are believed."""
SAMPLE: Final = 200
"""People of an audience who are looked up although two scans have not seen them."""

type Answer = bool | None
"""True: a member, False: not a member, None: unclear."""


def calibration(samples: Mapping[str, Sequence[tuple[str, bool]]]) -> list[tuple[str, str]]:
    """Return up to 20 pairs of an audience and an address in it, those with capitals in Lytics first.

    Each audience has its turn, so that one does not stand for all.

    Args:
        samples: audience id to addresses that its scan has shown, and whether Lytics has them with capitals.
    """
    chosen: list[tuple[str, str]] = []
    for capitals in (True, False):
        queues = {
            audience: [email for email, has in sample if has is capitals]
            for audience, sample in samples.items()
        }
        for place in range(max(map(len, queues.values()), default=0)):
            chosen += [(audience, queue[place]) for audience, queue in queues.items() if place < len(queue)]
    return chosen[:CALIBRATION]


def leavers_by_look_up(answers: Mapping[str, Answer]) -> list[str]:
    """Return the people who leave: those who are certainly not members."""
    return [email for email, answer in answers.items() if answer is False]


def everybody_leaves(sample: Mapping[str, Answer]) -> bool:
    """Return whether everybody whom two scans have not seen leaves: nobody of the sample stays."""
    return all(answer is False for answer in sample.values())


class Reservoir:
    """Up to 200 people at random of any number."""

    def __init__(self, kept: Iterable[str], offered: int) -> None:
        """Go on with a sample.

        Args:
            kept: the sample so far.
            offered: of how many people.
        """
        self.kept = list(kept)
        self._offered = offered

    def offer(self, email: str, chance: float) -> None:
        """Take a person into the sample, or not.

        Args:
            email: of the person.
            chance: a random number, at least 0 and less than 1.
        """
        self._offered += 1
        if len(self.kept) < SAMPLE:
            self.kept.append(email)
        elif (place := int(chance * self._offered)) < SAMPLE:
            self.kept[place] = email
