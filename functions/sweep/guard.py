"""The guard against emptying an audience."""

from typing import Final

from lytics_sendgrid.domain.sweep_findings import SweptAudience

GUARD_FROM: Final = 50
"""This many people may always leave: a small audience changes by large percentages."""


def is_guarded(swept: SweptAudience, max_leavers_percent: int) -> bool:
    """Return whether too many people are missing for this run alone to remove anybody."""
    return swept.suspects > GUARD_FROM and swept.suspects * 100 > max_leavers_percent * swept.members
