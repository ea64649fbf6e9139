"""The limits of Step Functions on what goes from task to task, and how much of them each part may use.

Step Functions carries at most 256 KiB of JSON in UTF-8 between two states, and fails a run that exceeds it
with an error that no state can catch (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, read
2026-11-25). So ``plan`` refuses a run whose state could grow beyond it.
"""

import json
from collections.abc import Sequence
from typing import Final

from lytics_sendgrid.bounded_text import first_that_fit, shortened

MAX_STATE_BYTES: Final = 262_144
PLAN_NOTES_CHARS: Final = 6_000
"""The plan's notes together, in JSON."""
DIFFERENCE_BYTES: Final = 6_000
"""What a start changes in its export, in JSON."""
PROVISION_NOTES_CHARS: Final = 3_000
"""The notes of ``provision`` together, in JSON."""
REPORT_NOTES_CHARS: Final = 14_000
"""The report's notes together, in JSON. They include the plan's."""
PASTED_NAMES_CHARS: Final = 4_000
"""The audiences' names in what a person enters in Lytics. If they take more, only their ids are there."""
STOP_REASON_CHARS: Final = 2_000
"""The reason why an export is stopped."""
SEGMENT_ERROR_CHARS: Final = 100
"""SendGrid's message about one invalid segment."""

_MORE_CHARS: Final = 100


def json_bytes(value: object) -> int:
    """Return how many bytes a value takes as JSON in UTF-8, as Lambda's runtime for Python 3.13 writes it."""
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def bounded_notes(notes: Sequence[str], max_chars: int) -> tuple[str, ...]:
    """Return the first notes that together fit, and how many more there are.

    Args:
        notes: for a person, the most important first.
        max_chars: of all of them in JSON.
    """
    fitting = first_that_fit((shortened(note, max_chars // 4) for note in notes), max_chars - _MORE_CHARS)
    if len(fitting) == len(notes):
        return fitting
    return (*fitting, f"and {len(notes) - len(fitting)} more notes, for which there is no room")
