"""The documents for people: their sections, code blocks, links and commands."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
MANUAL: Final = ("README.md", *(f"docs/{path.name}" for path in sorted((REPOSITORY / "docs").glob("*.md"))))
"""The README and the pages that it leads to."""
ALL: Final = (
    *MANUAL,
    *(
        str(path.relative_to(REPOSITORY))
        for folder in ("events", "tests")
        for path in sorted((REPOSITORY / folder).rglob("README.md"))
    ),
)
"""Those, and the READMEs of other folders."""


@cache
def text(document: str) -> str:
    """Return a document's text."""
    return (REPOSITORY / document).read_text()


def manual() -> str:
    """Return the text of the whole manual."""
    return "\n".join(map(text, MANUAL))


def section(document: str, heading: str) -> str:
    """Return what stands between a heading of the second level and the next one."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text(document), flags=re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{document} has no heading '{heading}'"
    return found[1]


def table(document: str, heading: str) -> dict[str, list[str]]:
    """Return a section's table rows whose first cell is code: that code to the other cells."""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", section(document, heading), flags=re.MULTILINE)
    return {key: [cell.strip() for cell in cells.split("|")] for key, cells in rows}


def code_blocks(content: str, language: str) -> list[str]:
    """Return the contents of the code blocks of a language, without the indentation of a list item."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", content, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in blocks]


def anchors(content: str) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings.

    Lower case, only letters, digits, underscores, hyphens and spaces kept, each space a hyphen. A repeated
    heading gets a number. Lines in a code block are not headings.
    """
    found: set[str] = set()
    in_code = False
    for line in content.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            in_code = not in_code
        heading = re.fullmatch(r" {0,3}#{1,6}\s+(.*?)(\s+#+)?\s*", line)
        if heading is None or in_code:
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        anchor = base = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        number = 0
        while anchor in found:
            number += 1
            anchor = f"{base}-{number}"
        found.add(anchor)
    return found


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a `sh` block.

    Attributes:
        document: the page.
        text: the command, over as many lines as it takes.
    """

    document: str
    text: str


def commands(document: str) -> Iterator[Command]:
    """Yield the commands of a page's `sh` blocks, in their order.

    Raises:
        AssertionError: A block ends in the middle of a command.
    """
    for block in code_blocks(text(document), "sh"):
        lines: list[str] = []
        for line in block.splitlines():
            if not lines and (not line or line.startswith("#")):
                continue
            lines.append(line)
            if _is_complete("\n".join(lines)):
                yield Command(document, "\n".join(lines))
                lines = []
        assert not lines, f"{document}: a block ends before its command does: {lines[0]}"


def _is_complete(command: str) -> bool:
    """Return whether bash would run the command without reading more lines."""
    checked = subprocess.run(
        ["bash", "-n"], input=f"{command}\n", capture_output=True, text=True, check=False
    )
    return not command.endswith("\\") and checked.returncode == 0 and not checked.stderr
