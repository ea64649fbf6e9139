"""What a start, a stop and a clearing change in an account's configuration.

An audience that no export has any more is *cleared*: its id is taken out of every contact's row, so that its
segment is empty instead of frozen. Its entry, and with it the seat in its membership field, goes only when
the clearing is confirmed and the segment is deleted.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from lytics_sendgrid.domain.configuration import Account, AudienceState, ProvisionedAudience
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S

SINCE_MARGIN_S: Final = 15 * 60
"""Ten minutes for the lag of a scan, five for clocks that differ."""


def next_version(account: Account, version: int, now_s: int) -> Account:
    """Return an account as it is to be written.

    Args:
        account: changed.
        version: that was read.
        now_s: Unix time of the write.
    """
    return replace(account, version=version + 1, written_s=now_s)


def with_audiences(
    account: Account, export: str, chosen: Mapping[str, ProvisionedAudience], now_s: int
) -> Account:
    """Return the account in which an export has these audiences, besides those that it had.

    Args:
        account: before.
        export: its name.
        chosen: audience id to its field, segment and list, and whether the segment was made. The rest follows
            from the account.
        now_s: Unix time of the change.
    """
    audiences = dict(account.audiences)
    for audience, provisioned in chosen.items():
        known = audiences.get(audience)
        if known is None or not known.is_listed:
            added = replace(
                provisioned,
                exports=(export,),
                since_ns=(now_s - SINCE_MARGIN_S) * NANOSECONDS_PER_S,
                state_since_s=now_s,
            )
        else:
            # Its ids stayed in the rows. So the sweep must still see the events that put them there.
            present = _in_state(known, AudienceState.LIVE, now_s)
            added = replace(
                provisioned,
                exports=tuple(sorted({export, *known.exports})),
                since_ns=known.since_ns,
                state_since_s=present.state_since_s,
            )
        is_same_segment = known is not None and known.segment_id == provisioned.segment_id
        audiences[audience] = replace(
            added, made=provisioned.made or (known is not None and known.made and is_same_segment)
        )
    return replace(account, audiences=audiences)


def without_audiences(
    account: Account,
    export: str,
    removed: Collection[str],
    live_exports: Collection[str],
    now_s: int,
    *,
    keep: bool = False,
    delete_segments: bool = False,
) -> Account:
    """Return the account in which an export no longer has some audiences.

    Args:
        account: before.
        export: its name.
        removed: ids of the audiences.
        live_exports: names of the account's exports that are not stopped.
        now_s: Unix time of the change.
        keep: an audience that no other export has keeps its ids and its segment as they are. Otherwise it is
            to be cleared.
        delete_segments: delete the segment of what is cleared, if this product made it.
    """
    audiences, to_clear = dict(account.audiences), dict(account.to_clear)
    for audience in removed:
        known = audiences.get(audience)
        if known is None or export not in known.exports:
            continue
        others = tuple(name for name in known.exports if name != export)
        if others:
            state = AudienceState.LIVE if set(others) & set(live_exports) else AudienceState.STOPPED
            audiences[audience] = _in_state(replace(known, exports=others), state, now_s)
        elif keep:
            kept = replace(known, exports=(), dropped_by=export)
            audiences[audience] = _in_state(kept, AudienceState.KEPT, now_s)
        else:
            cleared = replace(
                known, exports=(), dropped_by=export, delete_segment=delete_segments and known.made
            )
            audiences[audience] = _in_state(cleared, AudienceState.CLEARED, now_s)
            to_clear[audience] = now_s
    return replace(account, audiences=audiences, to_clear=to_clear)


def without_dropped(account: Account, export: str, now_s: int) -> Account:
    """Return the account in which what an export dropped earlier, and no export has now, is to be deleted.

    What this product did not make stays as it is.

    Args:
        account: before.
        export: its name.
        now_s: Unix time of the change.
    """
    audiences, to_clear = dict(account.audiences), dict(account.to_clear)
    for audience, known in account.audiences.items():
        if not known.is_dropped_by(export):
            continue
        dropped = replace(known, delete_segment=True)
        if not known.is_cleared:
            dropped = _in_state(dropped, AudienceState.CLEARED, now_s)
            to_clear[audience] = now_s
        audiences[audience] = dropped
    return replace(account, audiences=audiences, to_clear=to_clear)


def stopped(account: Account, export: str, live_exports: Collection[str], now_s: int) -> Account:
    """Return the account after an export was stopped: what no other live export has is ``stopped``.

    Args:
        account: before.
        export: its name.
        live_exports: names of the account's exports that are not stopped.
        now_s: Unix time of the change.
    """
    others = set(live_exports) - {export}
    audiences = {
        audience: _in_state(known, AudienceState.STOPPED, now_s)
        if export in known.exports and known.state is AudienceState.LIVE and not others & set(known.exports)
        else known
        for audience, known in account.audiences.items()
    }
    return replace(account, audiences=audiences)


def cleared(
    account: Account,
    confirmed: Mapping[str, int],
    deleted_segments: Collection[str],
    left_segments: Collection[str] = (),
) -> Account:
    """Return the account after a clearing has settled.

    Args:
        account: as it is now.
        confirmed: what was cleared: audience id to the time in ``Account.to_clear`` that the clearing is for.
            A later time there means that the audience was removed again since; it stays.
        deleted_segments: ids of the audiences whose segments do not exist any more.
        left_segments: ids of the audiences whose segments were claimed, but not deleted. They may be used
            again.
    """
    to_clear = {
        audience: since_s
        for audience, since_s in account.to_clear.items()
        if confirmed.get(audience) != since_s
    }
    audiences = {
        audience: replace(known, state=AudienceState.CLEARED)
        if known.state is AudienceState.DELETING and audience in left_segments
        else known
        for audience, known in account.audiences.items()
        if not (known.is_cleared and audience in deleted_segments and audience not in to_clear)
    }
    return replace(account, audiences=audiences, to_clear=to_clear)


def claimed(account: Account, audiences: Collection[str]) -> Account:
    """Return the account in which the segments of cleared audiences are about to be deleted.

    A start that adds such an audience creates another segment. A start that has used the segment before
    makes the write of this configuration fail.
    """
    claims = {
        audience: replace(known, state=AudienceState.DELETING) if audience in audiences else known
        for audience, known in account.audiences.items()
    }
    return replace(account, audiences=claims)


def _in_state(known: ProvisionedAudience, state: AudienceState, now_s: int) -> ProvisionedAudience:
    return known if known.state is state else replace(known, state=state, state_since_s=now_s)
