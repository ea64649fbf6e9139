"""Count lines and tests, separately for the tests proper and their platform: ``make count``."""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from tests.modules import ROOT

PLATFORM: Final = {
    "local": "the local cloud, and the twins of SendGrid and Lytics",
    "doubles": "one double a seam",
    "simulation": "the simulated world: deliver and confirm under faults",
    "bench": "what the product costs",
    "mutation": "mutants of the modules that decide",
}
_TEST: Final = re.compile(r"^def test_", re.MULTILINE)
PROPER: Final = ("unit", "properties", "contract", "workflow", "template", "e2e", "browser")


def counted(folder: Path) -> Counter[str]:
    """Return files, lines, and test functions of a folder's Python."""
    count: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text()
        count["files"] += bool(text)
        count["lines"] += text.count("\n")
        if path.name.startswith("test_"):
            count["tests"] += len(_TEST.findall(text))
    return count


def table() -> str:
    """Return the counts of every folder, and their sums."""
    tests = ROOT / "tests"
    parts = {
        "product": [ROOT / "functions", ROOT / "layers"],
        "tests proper": [tests / name for name in PROPER],
        "platform": [tests / name for name in PLATFORM],
    }
    lines = [f"{'':32} files   lines   tests"]
    for part, folders in parts.items():
        counts = {folder.relative_to(ROOT).as_posix(): counted(folder) for folder in folders}
        lines += [_line(f"  {name}", count) for name, count in counts.items()]
        lines.append(_line(part, sum(counts.values(), Counter())))
    return "\n".join(lines)


def _line(name: str, count: Counter[str]) -> str:
    return f"{name:32} {count['files']:5} {count['lines']:7,} {count['tests'] or '':>7}"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
