"""Say which audiences a run could not export correctly, what was left untouched, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.bounded_text import first_that_fit, shortened

_MAX_CHARS: Final = 8_000
"""The whole text in JSON. It is part of the report, which Step Functions carries."""
_REASON_CHARS: Final = 700
_LEFT: Final = (
    "Nobody was taken out of their segments because of that. Everybody whom Lytics returned was put in, and "
    "all other audiences are exported. Do what each line says, then start the export again, or resync it. "
    "The report of this run is the output of the state Report, and is kept in the exports table"
)
_PLANNED: Final = (
    'This dry run changed nothing. Without "dry_run", nobody would be taken out of their segments either. '
    "Everybody whom Lytics returns would be put in, and all other audiences would be exported. Do what each "
    "line says, then start the dry run again. The report of this run is the output of the state Report"
)


@dataclass(frozen=True, slots=True)
class AudienceTrouble:
    """An audience that could not be exported correctly.

    Attributes:
        audience: its name.
        reason: what happened, why, and what to do.
    """

    audience: str
    reason: str


def failure(troubles: Iterable[AudienceTrouble], *, dry_run: bool = False) -> str:
    """Return the cause of a run that fails because of some audiences; empty if it has no such audience."""
    lines = [f"- '{trouble.audience}': {shortened(trouble.reason, _REASON_CHARS)}" for trouble in troubles]
    if not lines:
        return ""
    shown = first_that_fit(lines, _MAX_CHARS)
    hidden = len(lines) - len(shown)
    more = (f"- and {hidden} more, which the report lists",) if hidden else ()
    them = "1 audience is" if len(lines) == 1 else f"{len(lines)} audiences are"
    return "\n".join((f"{them} in trouble:", *shown, *more, _PLANNED if dry_run else _LEFT))
