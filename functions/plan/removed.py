"""What becomes of an audience that an export no longer has."""

from collections.abc import Collection
from typing import Final, Literal

from lytics_sendgrid.bounded_text import enumerated
from lytics_sendgrid.domain.configuration import ProvisionedAudience

type Becomes = Literal["cleared", "deleted", "kept", "shared"]

_NAMES_CHARS: Final = 500


def removed_audience(
    export: str,
    known: ProvisionedAudience | None,
    stopped_exports: Collection[str],
    *,
    keep: bool,
    delete_segments: bool,
    is_swept: bool,
) -> tuple[Becomes, str]:
    """Return what becomes of an audience that an export no longer has, and the same in words.

    Args:
        export: its name.
        known: what was provisioned for the audience.
        stopped_exports: names of the account's exports that are stopped.
        keep: an audience that no other export has stays as it is.
        delete_segments: segments of cleared audiences are deleted, if this product made them.
        is_swept: the run takes out people who are in it only through this export.
    """
    others = [name for name in (known.exports if known else ()) if name != export]
    live = [name for name in others if name not in stopped_exports]
    if live:
        names = enumerated(live, _NAMES_CHARS)
        when = (
            "in this run"
            if is_swept
            else f"at the next resync. If the guard stops that, start a resync of {names} with a higher "
            '"max_leavers_percent"'
        )
        return "shared", (
            f"its segment stays and is updated by {names}, which also exports the audience. People who are "
            f"in it only through this export's e-mail field leave it {when}"
        )
    if others:
        swept = (
            "This run takes out people that Lytics does not show in it by that export's e-mail field, and "
            "puts back people who returned. After that, nobody"
        )
        return "shared", (
            f"its segment stays, because the stopped export {enumerated(others, _NAMES_CHARS)} has the "
            f"audience, too. {swept if is_swept else 'Nobody'} enters or leaves it until that export is "
            "started again"
        )
    if keep:
        return "kept", (
            "its segment stays as it is now, because no other export has the audience. Nobody enters or "
            "leaves it any more. To empty it, start with the audience again, then without it"
        )
    if not delete_segments:
        return "cleared", (
            "everybody is taken out of its segment, because no other export has the audience. The empty "
            'segment stays. "removed_audiences": "keep" leaves the segment as it is instead, and '
            '"delete_segments": true deletes it'
        )
    if known is None or not known.made:
        return "cleared", (
            "everybody is taken out of its segment. The segment stays, because this product did not create it"
        )
    return "deleted", (
        "everybody is taken out of its segment, then the segment is deleted. SendGrid does not say which "
        "automations use it: look at them first"
    )
