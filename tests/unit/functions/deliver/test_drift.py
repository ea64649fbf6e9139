"""What a run finds out of date: missing memberships and stale fields."""

from dataclasses import replace

import pytest

from functions.deliver.drift import drift
from functions.deliver.merge import merge
from lytics_sendgrid.domain.change import Change
from lytics_sendgrid.domain.contact import UNKNOWN, Contact
from tests.unit.functions.deliver.example_changes import enter, exit_, refresh
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, READERS

ANN = "ann@example.org"
SINCE = {READERS: 5}
KNOWN = Contact(1, {READERS: 7}, {"e1_T": (10, "Oslo")})
MISSING, STALE = {("run1", f"missing.{READERS}")}, {("run1", f"stale.{READERS}")}


def scan(audience: str = READERS, **fields: str) -> Change:
    return replace(enter(ANN, SINCE.get(audience, 0) + 1, audience, **fields), fields_time_ns=90)


def found(loaded: Contact, *changes: Change) -> set[tuple[str, str]]:
    state = merge(loaded, [(change, EXPORT) for change in changes], SINCE)
    return drift([("run1", change) for change in changes], loaded, state, SINCE)


@pytest.mark.parametrize(
    ("loaded", "change", "drifted"),
    [
        (UNKNOWN, scan(city="Oslo"), MISSING),
        (Contact(1, {READERS: -5}), scan(), MISSING),
        (KNOWN, scan(BUYERS), {("run1", f"missing.{BUYERS}")}),
        (KNOWN, scan(city="Rome"), STALE),
        (KNOWN, scan(first_name="Ann"), STALE),
        (KNOWN, scan(city="Oslo"), set()),
        (KNOWN, scan(city=""), set()),
        (Contact(1, {READERS: -7}), scan(), set()),
        (Contact(1, {READERS: 6}), scan(), set()),
    ],
)
def test_scans_row_shows_what_is_missing_or_stale(
    loaded: Contact, change: Change, drifted: set[tuple[str, str]]
) -> None:
    assert found(loaded, change) == drifted


@pytest.mark.parametrize("change", [exit_(ANN, 80), enter(ANN, 80), refresh(ANN, 0)])
def test_what_no_scan_brought_is_not_counted(change: Change) -> None:
    assert found(Contact(1), change) == set()


def test_field_that_an_event_changes_is_not_stale() -> None:
    assert found(KNOWN, scan(city="Oslo"), enter(ANN, 80, city="Rome")) == set()
    assert found(KNOWN, scan(), enter(ANN, 80, city="Rome")) == set()


def test_exit_that_arrives_together_leaves_nothing_missing() -> None:
    assert found(UNKNOWN, scan(), exit_(ANN, 80)) == set()
