"""What becomes of an audience that an export no longer has."""

from dataclasses import replace
from typing import Any

import pytest

from functions.plan.removed import removed_audience
from lytics_sendgrid.domain.configuration import ProvisionedAudience

OURS = ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",), made=True)
SHARED = replace(OURS, exports=("newsletter", "other"))


def removed(known: ProvisionedAudience | None = OURS, **changes: Any) -> tuple[str, str]:
    choices: dict[str, Any] = {"keep": False, "delete_segments": False, "is_swept": True}
    stopped = changes.pop("stopped", ())
    return removed_audience("newsletter", known, stopped, **(choices | changes))


@pytest.mark.parametrize(
    ("known", "changes", "becomes", "text"),
    [
        (OURS, {}, "cleared", "The empty segment stays"),
        (None, {}, "cleared", "everybody is taken out of its segment"),
        (OURS, {"keep": True}, "kept", "its segment stays as it is now"),
        (OURS, {"keep": True, "delete_segments": True}, "kept", "its segment stays as it is now"),
        (OURS, {"delete_segments": True}, "deleted", "then the segment is deleted"),
        (
            replace(OURS, made=False),
            {"delete_segments": True},
            "cleared",
            "because this product did not create it",
        ),
        (None, {"delete_segments": True}, "cleared", "because this product did not create it"),
        (SHARED, {"delete_segments": True}, "shared", "updated by other, which also exports"),
        (SHARED, {}, "shared", "leave it in this run"),
        (SHARED, {"is_swept": False}, "shared", "leave it at the next resync"),
        (SHARED, {"stopped": ("other",)}, "shared", "because the stopped export other has the audience"),
        (
            SHARED,
            {"stopped": ("other",)},
            "shared",
            "This run takes out people that Lytics does not show in it",
        ),
        (SHARED, {"stopped": ("other",), "is_swept": False}, "shared", "Nobody enters or leaves it until"),
        (
            SHARED,
            {"is_swept": False},
            "shared",
            "If the guard stops that, start a resync of other with a higher",
        ),
    ],
)
def test_removed_audience_becomes_what_the_input_says(
    known: ProvisionedAudience | None, changes: dict[str, Any], becomes: str, text: str
) -> None:
    state, words = removed(known, **changes)
    assert state == becomes
    assert text in words


def test_nobody_is_said_to_leave_without_a_sweep() -> None:
    assert "takes out" not in removed(SHARED, stopped=("other",), is_swept=False)[1]
    assert "guard" not in removed(SHARED)[1]


def test_automations_are_left_to_a_person() -> None:
    assert "SendGrid does not say which automations use it" in removed(delete_segments=True)[1]
