"""One person, two profiles: what they become in SendGrid after a resync, compared with the truth."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.customer import Product
from tests.e2e.live_export import NAMES, SLUGS, Exported, exported
from tests.local.lytics_twin.account import Profile
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS


@pytest.fixture
def export(product: Product) -> Iterator[Exported]:
    with exported(product, seed=13) as export:
        yield export


def resync(export: Exported) -> dict[str, Any]:
    """Resync an export whose people SendGrid does not hold as they are."""
    assert not export.customer.audit(export.input(*NAMES)).ok
    report = export.customer.succeed({"action": "resync", "export": export.customer.name})
    export.wait_until_right(*NAMES)
    return report


def outside(export: Exported, count: int) -> list[Profile]:
    """Return people who are in no audience and whose address nobody else has."""
    people = [p for p in export.customer.lytics.profiles() if p.email is not None and not p.audiences]
    return people[:count]


def where(export: Exported, email: str) -> set[str]:
    """Return the audiences whose segments hold an address."""
    return {audience for audience in NAMES if email in export.in_segment(audience)}


def test_merged_profiles_are_one_person_after_a_resync(export: Exported) -> None:
    lytics = export.customer.lytics
    readers = [p for p in lytics.profiles() if p.email and READERS in p.audiences]
    lapsed = [p for p in lytics.profiles() if p.email and LAPSED in p.audiences and p not in readers]
    merged = list(zip(readers[:10], lapsed[:10], strict=True))
    for former, into in merged:
        lytics.merge(former.id, into.id)
    report = resync(export)
    assert report["drift"]["extra"] >= 10
    for former, into in merged:
        assert where(export, former.email or "") == set()
        assert where(export, into.email or "") >= {READERS, LAPSED}
    assert report["drift"]["stayed"] == {}


def test_profiles_with_one_address_are_one_contact(export: Exported) -> None:
    """A second profile has the address with capitals. SendGrid has one contact, in the audiences of both.

    Lytics finds only one of the two by the address, so the scans alone decide.
    """
    lytics = export.customer.lytics
    people = outside(export, 6)
    twins = [
        lytics.add_profile(profile.fields | {"email": profile.email.upper()}, [LAPSED])
        for profile in people
        if profile.email is not None
    ]
    for profile in people:
        lytics.enter(profile.id, HIGH_VALUE, silently=True)
    resync(export)
    assert [where(export, p.email or "") for p in people] == [{HIGH_VALUE, LAPSED}] * 6

    for profile, twin in zip(people, twins, strict=True):
        lytics.enter(twin, HIGH_VALUE, silently=True)
        lytics.exit(profile.id, HIGH_VALUE, silently=True)
        lytics.exit(twin, LAPSED, silently=True)
    resync(export)
    assert [where(export, p.email or "") for p in people] == [{HIGH_VALUE}] * 6


def test_person_returns_whose_other_profile_left(export: Exported) -> None:
    """The exit of one profile takes the address out. A resync puts it back: the other profile is still in."""
    customer = export.customer
    profile = next(p for p in customer.lytics.profiles() if p.email and HIGH_VALUE in p.audiences)
    email = profile.email or ""
    assert customer.post(exit_of(email)).status_code == 200
    poll(lambda: email not in export.in_segment(HIGH_VALUE), "the exit in SendGrid", 30.0, interval_s=0.2)
    report = resync(export)
    assert email in export.in_segment(HIGH_VALUE)
    assert report["drift"]["returned"] == 1


def exit_of(email: str) -> str:
    """Write an exit of 12 minutes ago: a scan shows whatever happened until 10 minutes before it began."""
    at = (datetime.now(UTC) - timedelta(minutes=12)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    event = {"id": HIGH_VALUE, "slug": SLUGS[HIGH_VALUE], "event": "exit", "exit": at}
    data = {"email": email, "segment_events": [event]}
    meta = {"object": "user", "subscription_id": "36e243f8fd8f4530bbd330fa7fb1a685", "timestamp": at}
    return json.dumps({"id": "another-profile", "data": data, "meta": meta})
