"""What may be decided about an audience."""

from dataclasses import replace
from typing import Any, Final

import pytest

from functions.sweep.scope import Configured, SweepRequest, configured, scan_trouble, scope_of
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Account, Audience

VIPS: Final = Audience("a" * 32, "VIPs", "vips")
FIELDS: Final = (("shop", "mail"), ("newsletter", "email"))
NOW: Final = Configured(7, frozenset(FIELDS))
SCAN: Final = Checkpoint(
    done=True, stamp_ns=9, email_fields=FIELDS, scanned=2, smallest=2, largest=2, seen=2, chunks=1
)
REQUEST: Final = SweepRequest("run", "newsletter", "acme", (VIPS,), (), 20, 600, dry_run=False, prefix="p")
NO_ADDRESS: Final = "none of the 2 rows of its scan has an address in the e-mail field"
LEFT: Final = "Nobody was taken out of its segment"


@pytest.mark.parametrize(
    ("scan", "now", "is_shown"),
    [
        (SCAN, NOW, True),
        (None, NOW, False),
        (replace(SCAN, done=False), NOW, False),
        (replace(SCAN, trouble="gone"), NOW, False),
        (SCAN, Configured(7, frozenset(FIELDS[:1])), False),
    ],
)
def test_scan_shows_an_audience_by_the_fields_of_now(
    scan: Checkpoint | None, now: Configured, is_shown: bool
) -> None:
    assert scope_of(VIPS, REQUEST, scan, 2, now).is_shown is is_shown


def test_scope_without_a_scan_shows_no_time() -> None:
    scope = scope_of(VIPS, REQUEST, None, 2, NOW)
    assert (scope.stamp_ns, scope.since_ns, scope.email_fields) == (0, 7, ())
    assert scope_of(VIPS, REQUEST, SCAN, 2, NOW).stamp_ns == 9


@pytest.mark.parametrize(
    ("scan", "export"),
    [(SCAN, "newsletter"), (replace(SCAN, email_fields=FIELDS[:1]), "shop"), (None, "newsletter")],
)
def test_messages_name_the_runs_export_if_it_has_the_audience(scan: Checkpoint | None, export: str) -> None:
    assert scope_of(VIPS, REQUEST, scan, 2, NOW).export == export


def test_guard_is_lifted_for_audiences_that_are_only_swept() -> None:
    assert scope_of(VIPS, REQUEST, SCAN, 2, NOW).is_guarded
    assert not scope_of(VIPS, replace(REQUEST, swept_only=(VIPS,)), SCAN, 2, NOW).is_guarded


def test_audience_that_is_not_provisioned_has_no_fields() -> None:
    assert configured(VIPS.id, Account("acme"), lambda _: None) == Configured(0, frozenset())


@pytest.mark.parametrize(
    ("changes", "size", "trouble"),
    [
        ({}, 2, ""),
        ({"scanned": 0, "smallest": None, "largest": 0, "seen": 0}, 0, ""),
        ({"trouble": "..it is XX."}, 2, f"..it is XX. {LEFT}"),
        ({"done": False}, 2, f"its scan has not ended. {LEFT}. Start the resync again"),
        (
            {},
            None,
            f"Lytics does not say how many people are in it. {LEFT}. Check that the audience still exists",
        ),
        (
            {"seen": 0},
            2,
            f"{NO_ADDRESS}. {LEFT}. Check in Lytics that the field still holds the addresses",
        ),
    ],
)
def test_scan_says_why_it_does_not_show_who_left(
    changes: dict[str, Any], size: int | None, trouble: str
) -> None:
    assert scan_trouble(replace(SCAN, **changes), size) == trouble
