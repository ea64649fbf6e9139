"""Report all faults of an export in one error."""

from collections.abc import Sequence
from typing import Final

from lytics_sendgrid.bounded_text import first_that_fit, shortened
from lytics_sendgrid.errors import ExportRefused, StopRun

_FAULTS_CHARS: Final = 20_000
_FAULT_CHARS: Final = 4_000


def refusal(faults: Sequence[StopRun]) -> StopRun:
    """Return one error that lists all faults, one a line, each once.

    It is of the faults' own class if they all share one, otherwise ``ExportRefused``.
    """
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else ExportRefused
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    lines = list(first_that_fit((f"- {shortened(text, _FAULT_CHARS)}" for text in texts), _FAULTS_CHARS))
    if len(lines) < len(texts):
        lines.append(f"- and {len(texts) - len(lines)} more")
    count = "1 fault" if len(texts) == 1 else f"{len(texts)} faults"
    return kind(f"The export cannot start, and nothing was changed. {count}:\n" + "\n".join(lines))
