"""Make one error of everything that is wrong with an export."""

from collections.abc import Sequence
from typing import Final

from lytics_sendgrid.errors import ExportRefused, StopRun

_MESSAGE_CHARS: Final = 12_000
"""Step Functions cuts a cause at 32,768 characters, and one that is cut is no JSON any more; ``ü`` takes six in it."""


def refusal(faults: Sequence[StopRun]) -> StopRun:
    """Make one error of all faults: of their own kind where all are of one kind, one a line."""
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else ExportRefused
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    lines: list[str] = []
    room = _MESSAGE_CHARS
    for text in texts:
        # Every character counts as often as JSON writes it.
        room -= len(text) + 5 * sum(1 for character in text if not character.isascii())
        if lines and room < 0:
            lines.append(f"- and {len(texts) - len(lines)} more")
            break
        lines.append(f"- {text[: _MESSAGE_CHARS // 2]}")
    count = "1 fault" if len(texts) == 1 else f"{len(texts)} faults"
    return kind(f"The export cannot start, and nothing was changed. {count}:\n" + "\n".join(lines))
