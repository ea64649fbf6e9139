"""Read the table of `events/README.md`: the bodies that Lytics posts, and their outcomes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EVENTS: Final = Path(__file__).resolve().parents[1] / "events"
_ROW: Final = re.compile(
    r"\| (?P<file>[a-z-]+\.(?:json|txt)) \| (?P<situation>.+?) \| (?P<outcomes>.+?) \| .+ \|"
)


@dataclass(frozen=True, slots=True)
class Situation:
    """One body.

    Attributes:
        file: Its file name in `events/lytics`.
        outcomes: The words of each outcome, such as `("reject", "no_email")`, in the order of the body.
    """

    file: str
    outcomes: tuple[tuple[str, ...], ...]

    @property
    def body(self) -> str:
        return (EVENTS / "lytics" / self.file).read_text()


def situations() -> list[Situation]:
    """Return the rows of the table."""
    rows = _ROW.finditer((EVENTS / "README.md").read_text())
    return [
        Situation(
            row["file"], tuple(tuple(text.split()) for text in re.findall(r"`([^`]+)`", row["outcomes"]))
        )
        for row in rows
    ]
