"""Report all faults of an export in one error."""

from collections.abc import Sequence
from typing import Final

from lytics_sendgrid.errors import ExportRefused, StopRun

_MAX_MESSAGE_CHARS: Final = 12_000
"""Step Functions truncates a cause at 32,768 characters, which breaks its JSON. There, ``ü`` takes six."""


def refusal(faults: Sequence[StopRun]) -> StopRun:
    """Return one error that lists all faults, one a line, each once.

    It is of the faults' own class if they all share one, otherwise ``ExportRefused``.
    """
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else ExportRefused
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    lines: list[str] = []
    chars_left = _MAX_MESSAGE_CHARS
    for text in texts:
        chars_left -= len(text) + 5 * sum(1 for character in text if not character.isascii())
        if lines and chars_left < 0:
            lines.append(f"- and {len(texts) - len(lines)} more")
            break
        lines.append(f"- {text[: _MAX_MESSAGE_CHARS // 2]}")
    count = "1 fault" if len(texts) == 1 else f"{len(texts)} faults"
    return kind(f"The export cannot start, and nothing was changed. {count}:\n" + "\n".join(lines))
