"""What starts, stops and clearings change in an account's configuration."""

from dataclasses import replace
from typing import Final

import pytest

from lytics_sendgrid.domain.account_changes import (
    claimed,
    cleared,
    stopped,
    with_audiences,
    without_audiences,
    without_dropped,
)
from lytics_sendgrid.domain.configuration import Account, AudienceState, ProvisionedAudience

A, B, C, D = (letter * 32 for letter in "abcd")
NOW_S: Final = 1_800_000_000
SINCE_NS: Final = (NOW_S - 900) * 1_000_000_000
LIVE, STOPPED, KEPT, CLEARED, DELETING = AudienceState
KNOWN: Final = ProvisionedAudience(
    "lytics_segments", "s", None, ("newsletter",), since_ns=7, state_since_s=3, made=True
)
CHOSEN: Final = ProvisionedAudience("lytics_segments", "s", None, ())


def account(**audiences: ProvisionedAudience) -> Account:
    return Account("acme", audiences={name * 32: provisioned for name, provisioned in audiences.items()})


def added(known: ProvisionedAudience | None, export: str = "newsletter") -> ProvisionedAudience:
    before = Account("acme") if known is None else account(a=known)
    return with_audiences(before, export, {A: CHOSEN}, NOW_S).audiences[A]


def test_new_audience_counts_events_of_the_last_15_minutes() -> None:
    assert added(None) == replace(
        CHOSEN, exports=("newsletter",), since_ns=SINCE_NS, state_since_s=NOW_S, made=False
    )


def test_audience_of_a_start_again_stays_as_it_is() -> None:
    assert added(KNOWN) == KNOWN


def test_audience_added_to_a_second_export_keeps_its_since() -> None:
    assert added(KNOWN, "shop") == replace(KNOWN, exports=("newsletter", "shop"))


@pytest.mark.parametrize(
    ("state", "exports"), [(STOPPED, ("newsletter",)), (KEPT, ()), (STOPPED, ("newsletter", "shop"))]
)
def test_stopped_or_kept_audience_is_live_again_with_its_since(
    state: AudienceState, exports: tuple[str, ...]
) -> None:
    present = added(replace(KNOWN, state=state, exports=exports))
    assert present == replace(KNOWN, exports=exports or ("newsletter",), state_since_s=NOW_S)


def test_cleared_audience_begins_anew_and_keeps_its_segment() -> None:
    present = added(replace(KNOWN, state=CLEARED, exports=(), delete_segment=True))
    assert present == replace(KNOWN, since_ns=SINCE_NS, state_since_s=NOW_S)


@pytest.mark.parametrize(
    ("was_made", "chosen", "made"),
    [
        (True, CHOSEN, True),
        (False, CHOSEN, False),
        (True, replace(CHOSEN, segment_id="adopted"), False),
        (True, replace(CHOSEN, segment_id="new", made=True), True),
    ],
)
def test_segment_is_ours_only_if_this_product_made_it(
    was_made: bool, chosen: ProvisionedAudience, made: bool
) -> None:
    before = account(a=replace(KNOWN, made=was_made))
    assert with_audiences(before, "newsletter", {A: chosen}, NOW_S).audiences[A].made is made


def removed(known: ProvisionedAudience, *, keep: bool = False, delete_segments: bool = False) -> Account:
    return without_audiences(
        account(a=known, b=KNOWN),
        "newsletter",
        [C, A],
        ["newsletter", "shop"],
        NOW_S,
        keep=keep,
        delete_segments=delete_segments,
    )


@pytest.mark.parametrize(("made", "delete_segments"), [(True, True), (True, False), (False, True)])
def test_audience_of_no_export_is_to_be_cleared(made: bool, delete_segments: bool) -> None:
    after = removed(replace(KNOWN, made=made), delete_segments=delete_segments)
    assert after.to_clear == {A: NOW_S}
    assert after.audiences == {
        A: replace(
            KNOWN,
            exports=(),
            dropped_by="newsletter",
            state=CLEARED,
            state_since_s=NOW_S,
            made=made,
            delete_segment=made and delete_segments,
        ),
        B: KNOWN,
    }


def test_kept_audience_keeps_ids_and_segment() -> None:
    after = removed(KNOWN, keep=True, delete_segments=True)
    assert not after.to_clear
    assert after.audiences[A] == replace(
        KNOWN, exports=(), dropped_by="newsletter", state=KEPT, state_since_s=NOW_S
    )


@pytest.mark.parametrize(("other", "state"), [("shop", LIVE), ("stopped shop", STOPPED)])
def test_audience_of_another_export_stays(other: str, state: AudienceState) -> None:
    after = removed(replace(KNOWN, exports=("newsletter", other)))
    assert not after.to_clear
    assert (after.audiences[A].exports, after.audiences[A].state) == ((other,), state)


@pytest.mark.parametrize("other", ["shop", "stopped shop"])
def test_audience_that_the_export_does_not_have_is_left_alone(other: str) -> None:
    known = replace(KNOWN, exports=(other,))
    assert removed(known).audiences[A] == known


def test_unknown_audience_does_not_keep_the_next_from_being_removed() -> None:
    after = without_audiences(account(a=KNOWN), "newsletter", [C, A], [], NOW_S)
    assert after.audiences[A] == replace(
        KNOWN, exports=(), dropped_by="newsletter", state=CLEARED, state_since_s=NOW_S
    )


DROPPED: Final = replace(KNOWN, exports=(), dropped_by="newsletter")


@pytest.mark.parametrize(
    ("known", "after", "to_clear"),
    [
        (replace(DROPPED, state=KEPT), (CLEARED, NOW_S, True), {A: NOW_S}),
        (replace(DROPPED, state=CLEARED), (CLEARED, 3, True), {}),
        (replace(DROPPED, state=DELETING, delete_segment=True), (DELETING, 3, True), {}),
        # Not ours, or not this export's any more.
        (replace(DROPPED, state=KEPT, made=False), (KEPT, 3, False), {}),
        (replace(DROPPED, state=CLEARED, made=False), (CLEARED, 3, False), {}),
        (replace(DROPPED, state=KEPT, dropped_by="shop"), (KEPT, 3, False), {}),
        (replace(DROPPED, state=LIVE, exports=("shop",)), (LIVE, 3, False), {}),
    ],
)
def test_removal_takes_what_the_export_dropped_and_this_product_made(
    known: ProvisionedAudience, after: tuple[AudienceState, int, bool], to_clear: dict[str, int]
) -> None:
    present = without_dropped(account(a=known, b=KNOWN), "newsletter", NOW_S)
    dropped = present.audiences[A]
    assert (dropped.state, dropped.state_since_s, dropped.delete_segment) == after
    assert (present.to_clear, present.audiences[B]) == (to_clear, KNOWN)
    assert without_dropped(present, "newsletter", NOW_S + 60) == present


def test_audience_added_again_is_not_dropped_any_more() -> None:
    for state in (KEPT, CLEARED):
        assert added(replace(DROPPED, state=state)).dropped_by == ""


def test_stop_leaves_audiences_of_other_live_exports_live() -> None:
    before = account(a=KNOWN, b=replace(KNOWN, exports=("newsletter", "shop")), c=KNOWN)
    before = before.with_audience(C, replace(KNOWN, exports=("shop",)))
    before = before.with_audience(D, replace(KNOWN, exports=("other",)))
    after = stopped(before, "newsletter", ["newsletter", "shop"], NOW_S)
    assert [after.audiences[audience].state for audience in (A, B, C, D)] == [STOPPED, LIVE, LIVE, LIVE]
    assert after.audiences[A] == replace(KNOWN, state=STOPPED, state_since_s=NOW_S)


CLEARING: Final = replace(KNOWN, exports=(), state=CLEARED)


@pytest.mark.parametrize(
    ("known", "since_s", "deleted", "is_listed_to_clear", "stays"),
    [
        (CLEARING, 5, [A], False, False),
        (CLEARING, 5, [], False, True),
        (KNOWN, 5, [], False, True),
        (KNOWN, 5, [A], False, True),
        (CLEARING, 6, [A], True, True),
    ],
)
def test_settled_clearing_frees_the_seat_once_the_segment_is_gone(
    known: ProvisionedAudience, since_s: int, deleted: list[str], is_listed_to_clear: bool, stays: bool
) -> None:
    before = replace(account(a=known), to_clear={A: since_s})
    after = cleared(before, {A: 5}, deleted)
    assert (A in after.to_clear, A in after.audiences) == (is_listed_to_clear, stays)


def test_claimed_segment_stays_claimed_until_it_is_gone_or_left() -> None:
    before = account(a=CLEARING, b=KNOWN)
    claims = claimed(before, {A})
    assert claims.audiences == {A: replace(CLEARING, state=DELETING), B: KNOWN}
    assert not claims.audiences[A].is_listed
    assert cleared(claims, {}, ()) == claims
    assert cleared(claims, {}, (), [A, B]) == before
    assert cleared(claims, {}, [A]).audiences == {B: KNOWN}
