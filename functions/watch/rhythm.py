"""How events of an export come otherwise, and whether none has come for far longer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

DAY_S: Final = 86_400
REMEMBERED_DAYS: Final = 28
"""Four weeks: weekends and monthly peaks are part of a rhythm."""
LEARNING_S: Final = 14 * DAY_S
"""Before that, a weekend could look like a silence."""
FACTOR: Final = 3
"""A silence is *far* longer from three times the longest pause on."""
SHORTEST_S: Final = DAY_S
"""A nightly resync brings in what a shorter silence missed."""
UNWATCHED_S: Final = 3 * 3_600
"""If the watch did not look for this long, the export was stopped or the watch failed."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is known of an export's events; times are Unix seconds.

    Attributes:
        began_s: when the watch first looked.
        looked_s: when it last looked.
        heard_s: the newest event; 0: none has come yet.
        quiet_since_s: from when a present pause counts.
        pauses: the longest pause that ended on each day, by the day's number since 1970. Those of four weeks
            before the newest event are kept.
    """

    began_s: int
    looked_s: int
    heard_s: int
    quiet_since_s: int
    pauses: Mapping[int, int]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what ``document`` has written."""
        pauses = {int(day): longest_s for day, longest_s in document["pauses"].items()}
        return cls(
            document["began_s"], document["looked_s"], document["heard_s"], document["quiet_since_s"], pauses
        )

    def document(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "began_s": self.began_s,
            "looked_s": self.looked_s,
            "heard_s": self.heard_s,
            "quiet_since_s": self.quiet_since_s,
            "pauses": {str(day): longest_s for day, longest_s in self.pauses.items()},
        }

    @property
    def longest_pause_s(self) -> int:
        """The longest pause that is remembered, if there is any."""
        return max(self.pauses.values())

    def limit_s(self) -> int | None:
        """Return how long a pause may be, or None while too little is known."""
        if not self.pauses or self.looked_s - self.began_s < LEARNING_S:
            return None
        return max(SHORTEST_S, FACTOR * self.longest_pause_s)

    def silence_s(self) -> int:
        """Return how long no event has come if that is far longer than usual, or 0."""
        quiet_s, limit_s = self.looked_s - self.quiet_since_s, self.limit_s()
        return quiet_s if limit_s is not None and quiet_s > limit_s else 0


def looked(before: Rhythm | None, heard_s: int, now_s: int) -> Rhythm:
    """Return what is known after another look.

    Args:
        before: what was known.
        heard_s: the newest event; 0: none has come yet.
        now_s: our clock.
    """
    if before is None:
        return Rhythm(now_s, now_s, heard_s, now_s, {})
    # What came while nobody looked, such as during a stop, says nothing about the rhythm.
    quiet_since_s = before.quiet_since_s if now_s - before.looked_s < UNWATCHED_S else now_s
    pauses = dict(before.pauses)
    if heard_s > max(before.heard_s, quiet_since_s):
        # Only now: during a long silence, its own beginning would be forgotten, and the silence with it.
        today = now_s // DAY_S
        pauses = {day: longest_s for day, longest_s in pauses.items() if day > today - REMEMBERED_DAYS}
        pauses[today] = max(pauses.get(today, 0), heard_s - quiet_since_s)
        quiet_since_s = heard_s
    return Rhythm(before.began_s, now_s, max(before.heard_s, heard_s), quiet_since_s, pauses)


def silence_text(export: str, rhythm: Rhythm) -> str:
    """Return what to do about a silence, or an empty text if there is none."""
    silence_s = rhythm.silence_s()
    if not silence_s:
        return ""
    return (
        f"No event of the export '{export}' has come for {silence_s // 3_600} hours. Before that, "
        f"the longest pause in {REMEMBERED_DAYS} days was {rhythm.longest_pause_s / 3_600:.1f} hours. Look "
        "at the webhook job's log in Lytics, and whether its audiences still change. If events were missed, "
        "the next resync brings in people who entered and takes out people who left"
    )
