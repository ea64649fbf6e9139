"""Audiences whose segments nobody has updated: kept ones, and those that only stopped exports had."""

from collections.abc import Sequence
from typing import Final

from functions.plan.input import StartInput
from lytics_sendgrid.bounded_text import enumerated
from lytics_sendgrid.domain.configuration import Account, AudienceState
from lytics_sendgrid.lytics.documents import LyticsAudience

_NAMES_CHARS: Final = 1_000
_FROZEN: Final = frozenset({AudienceState.KEPT, AudienceState.STOPPED})


def is_listed_already(account: Account, audiences: Sequence[LyticsAudience]) -> bool:
    """Return whether rows hold the id of one of the audiences before the run, of whatever export.

    People in it may have left it without an event: it may have been kept, an export of it stopped, or a start
    died that was to sweep it.
    """
    return any(
        known.is_listed for audience in audiences if (known := account.audiences.get(audience.id)) is not None
    )


def frozen_notes(wanted: StartInput, account: Account, audiences: Sequence[LyticsAudience]) -> list[str]:
    """Return a note that names the audiences which nobody has entered or left for some time.

    Args:
        wanted: the input.
        account: what was provisioned before.
        audiences: what the export will have.
    """
    frozen = [
        f"'{audience.name}'"
        for audience in audiences
        if (known := account.audiences.get(audience.id)) is not None
        and known.is_listed
        and known.state in _FROZEN
    ]
    if not frozen:
        return []
    subject = (
        "nobody has entered or left the segments of these audiences since they were kept or their exports "
        f"were stopped: {enumerated(frozen, _NAMES_CHARS)}. People who have left the audiences in Lytics "
        "since then"
    )
    if not wanted.backfill:
        note = (
            f"{subject} stay in the segments, because a start without a backfill takes nobody out. The next "
            f"resync takes them out{guard_sentence(wanted)}"
        )
        return [note]
    return [f"{subject} are taken out in this run{guard_sentence(wanted)}"]


def guard_sentence(wanted: StartInput) -> str:
    """Return a sentence, to be appended, about a guard that may keep people in; empty if it is lifted."""
    if wanted.max_leavers_percent == 100:
        return ""
    return (
        f". If they are more than {wanted.max_leavers_percent} % of an audience, the guard can stop that: "
        'then start a resync with a higher "max_leavers_percent"'
    )
