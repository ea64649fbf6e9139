"""The table of `events/README.md`: each body that Lytics posts, and what becomes of it."""

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
        file: its name in `events/lytics`.
        outcomes: words of each outcome, such as `("reject", "no_email")`, in the body's order.
    """

    file: str
    outcomes: tuple[tuple[str, ...], ...]

    @property
    def body(self) -> str:
        return (EVENTS / "lytics" / self.file).read_text()


def situations() -> list[Situation]:
    """Read the table."""
    rows = _ROW.finditer((EVENTS / "README.md").read_text())
    return [
        Situation(
            row["file"], tuple(tuple(text.split()) for text in re.findall(r"`([^`]+)`", row["outcomes"]))
        )
        for row in rows
    ]
