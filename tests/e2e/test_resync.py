"""A resync brings SendGrid back to the truth, whatever Lytics did without a word."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lytics_sendgrid.tables.days import DaysTable
from lytics_sendgrid.tables.run_history import RunHistory
from tests.e2e.customer import Customer, Product, customer_of
from tests.local.demo.audit import Audit
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS

PEOPLE = 300
GONE = "is in SendGrid, but was never in an audience"
"""An address that Lytics does not have any more stays a contact: in no audience."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """An export that is live, and whose people have moved silently."""

    customer: Customer
    start: dict[str, Any]

    def resync(self, **changes: Any) -> dict[str, Any]:
        return {"action": "resync", "export": self.customer.name, **changes}

    def wait_until_true(self) -> None:
        """Wait until SendGrid and the ledger have exactly Lytics' members in each audience."""
        audits: list[Audit] = []

        def is_true() -> bool:
            audits[:] = [self.customer.audit(self.start)]
            counts = (
                {audience[side] for side in ("lytics", "ledger", "sendgrid", "segment")}
                for audience in audits[0].audiences
            )
            return all(len(sides) == 1 for sides in counts) and not self.wrong(audits[0])

        try:
            poll(is_true, "SendGrid to match Lytics", 40.0, interval_s=0.2)
        except TimeoutError:
            raise AssertionError("\n".join([*self.wrong(audits[0]), str(audits[0].audiences)])) from None

    @staticmethod
    def wrong(audit: Audit) -> list[str]:
        return [difference for difference in audit.differences if not difference.endswith(GONE)]


@pytest.fixture(scope="module")
def drifted(product: Product) -> Iterator[Drifted]:
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=11)
        start = customer.input()
        customer.succeed(start)
        customer.wait_until_equal(start)
        move_silently(customer)
        assert not customer.audit(start).ok
        yield Drifted(customer, start)


def move_silently(customer: Customer) -> None:
    """Let people leave, enter, change, vanish and change their address, without an event."""
    lytics = customer.lytics
    people = [profile for profile in lytics.profiles() if profile.email is not None]
    inside = {audience: lytics.members(audience) for audience in (HIGH_VALUE, READERS, LAPSED)}
    for profile in people[:15]:
        lytics.exit(profile.id, HIGH_VALUE, silently=True)
    for profile in people[15:30]:
        lytics.enter(profile.id, READERS, silently=True)
    for profile in people[30:40]:
        lytics.change(profile.id, {"city": "Silence"}, silently=True)
    for profile in people[40:45]:
        lytics.delete_profile(profile.id)
    for number, profile in enumerate(people[45:50]):
        lytics.change(profile.id, {"email": f"New.Address.{number}@example.org"}, silently=True)
    assert any(lytics.members(audience) != inside[audience] for audience in inside)


def test_dry_run_counts_the_drift_and_changes_nothing(drifted: Drifted) -> None:
    customer = drifted.customer
    before, contacts = customer.writes(), customer.ledger()
    report = customer.succeed(drifted.resync(dry_run=True))
    assert customer.writes() == before
    assert customer.ledger() == contacts
    assert report["drift"]["extra"] > 0
    assert report["drift"]["missing"] > 0
    assert report["drift"]["stale"] > 0


def test_resync_brings_everybody_back_to_the_truth(drifted: Drifted) -> None:
    report = drifted.customer.succeed(drifted.resync())
    drifted.wait_until_true()
    assert report["drift"]["extra"] > 15
    assert "stayed" not in report["drift"] or report["drift"]["stayed"] == {}


def test_second_resync_finds_nothing_and_sends_nothing(drifted: Drifted) -> None:
    before = drifted.customer.writes()
    report = drifted.customer.succeed(drifted.resync())
    assert drifted.customer.writes() == before
    assert report["notes"][0].startswith("no drift")


def test_guard_stops_an_audience_that_loses_too_many(drifted: Drifted) -> None:
    customer = drifted.customer
    leaving = [p for p in customer.lytics.profiles() if p.email in customer.lytics.members(LAPSED)]
    for profile in leaving[: max(51, len(leaving) // 2)]:
        customer.lytics.exit(profile.id, LAPSED, silently=True)
    finished = customer.run(drifted.resync())
    assert finished.status == "FAILED"
    assert "max_leavers_percent" in finished.error
    assert drifted.wrong(customer.audit(drifted.start))
    customer.succeed(drifted.resync(max_leavers_percent=100))
    drifted.wait_until_true()


def test_history_and_days_say_what_the_runs_did(drifted: Drifted) -> None:
    deployment, name = drifted.customer.product.deployment, drifted.customer.name
    client, table = deployment.cloud.client("dynamodb"), deployment.outputs["ExportsTable"]
    runs = RunHistory(client, table).latest_runs(name, 9)[::-1]
    assert [run.action for run in runs] == ["start", *["resync"] * 4]  # and no dry run
    assert all(run.finished_at is not None and run.live for run in runs)
    assert [run.trouble for run in runs] == [False, False, False, True, False]
    start, first, second, *_ = runs
    assert (start.added > 0, first.added > 0, first.removed > 15) == (True, True, True)
    assert (second.added, second.removed) == (0, 0)
    assert all(audience.sendgrid is not None for audience in second.audiences)
    days = DaysTable(client, table).days(name, "2000-01-01", "2999-12-31")
    assert sum(counts["accepted"] for counts in days.values()) >= start.added
