"""A marketer changes their mind: stops an export, starts it again, removes audiences, removes all of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from lytics_sendgrid.domain.configuration import Account, AudienceState
from lytics_sendgrid.tables.exports import ExportsTable
from tests.e2e.customer import Customer, Product, customer_of
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS

PEOPLE = 150
NAMES = {
    HIGH_VALUE: "High value users",
    READERS: "Newsletter readers",
    LAPSED: "Lapsed customers",
}
SLUGS = {HIGH_VALUE: "high_value_users", READERS: "newsletter_readers", LAPSED: "lapsed_customers"}


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that is live, and its customer."""

    customer: Customer

    def input(self, *audiences: str, **changes: Any) -> dict[str, Any]:
        return self.customer.input(audiences=[SLUGS[audience] for audience in audiences], **changes)

    def stop(self, **changes: Any) -> dict[str, Any]:
        return self.customer.succeed({"action": "stop", "export": self.customer.name, **changes})

    def account(self) -> Account:
        deployment = self.customer.product.deployment
        dynamodb = deployment.cloud.client("dynamodb")
        return ExportsTable(dynamodb, deployment.outputs["ExportsTable"]).account(self.customer.name)

    def in_segment(self, audience: str) -> set[str]:
        return set(self.customer.sendgrid.segment_members(NAMES[audience]))

    def with_id(self, audience: str) -> set[str]:
        """Return everybody whose membership field holds an audience's id."""
        return {
            contact["email"]
            for contact in self.customer.sendgrid.contacts()
            if audience in contact["custom_fields"].get("lytics_segments", "")
        }

    def wait_until_empty(self, audience: str) -> None:
        poll(lambda: not self.with_id(audience), "an empty segment", 30.0, interval_s=0.2)

    def wait_until_right(self, *audiences: str) -> None:
        """Wait until SendGrid and the ledger hold exactly Lytics' members, with their values.

        Who has silently left stays a contact in no audience, which the audit does not expect.
        """
        wrong: list[str] = []

        def is_right() -> bool:
            audit = self.customer.audit(self.input(*audiences))
            wrong[:] = [text for text in audit.differences if not text.endswith("never in an audience")]
            return not wrong

        try:
            poll(is_right, "SendGrid to match Lytics", 40.0, interval_s=0.2)
        except TimeoutError:
            raise AssertionError("\n".join(wrong[:20])) from None

    def jobs(self) -> dict[str, str]:
        """Return the status of each webhook job in Lytics that is not deleted."""
        return {job.id: job.status for job in self.customer.lytics.jobs() if job.status != "deleted"}

    def things(self) -> dict[str, Any]:
        """Return all that both accounts hold, contacts and their values apart."""
        authorizations = self.customer.lytics.authorizations.all()
        labels = sorted(authorization.label for authorization in authorizations)
        return self.customer.sendgrid.names() | {"jobs": self.jobs(), "authorizations": labels}


@pytest.fixture
def export(product: Product) -> Iterator[Exported]:
    """Return an export of three audiences that is live."""
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=5)
        exported = Exported(customer)
        customer.succeed(exported.input(*NAMES))
        customer.wait_until_equal(exported.input(*NAMES))
        yield exported


def kill(customer: Customer, job: str) -> None:
    """Kill a job in Lytics, as Lytics may do after 90 days."""
    headers = {"Authorization": customer.lytics.token}
    url = f"{customer.lytics.url}/v2/job/{job}/kill"
    assert requests.post(url, headers=headers, timeout=10).ok


def move(customer: Customer, *, silently: bool) -> None:
    """Let people leave, enter and change."""
    lytics = customer.lytics
    people = [profile for profile in lytics.profiles() if profile.email is not None]
    for profile in people[:10]:
        lytics.exit(profile.id, HIGH_VALUE, silently=silently)
    for profile in people[10:20]:
        lytics.enter(profile.id, READERS, silently=silently)
    for profile in people[20:25]:
        lytics.change(profile.id, {"city": "Elsewhere"}, silently=silently)


def test_stopped_export_answers_200_and_is_right_when_started_again(export: Exported) -> None:
    customer = export.customer
    (job,) = export.jobs()
    report = export.stop()
    assert export.jobs() == {job: "paused"}
    assert report["live"] is False
    assert {known.state for known in export.account().audiences.values()} == {AudienceState.STOPPED}
    before = customer.ledger()
    move(customer, silently=True)
    email = min(customer.lytics.members(LAPSED))
    late = {
        "data": {
            "email": email,
            "segment_events": [{"id": LAPSED, "event": "exit", "exit": "2026-11-26T00:00:00Z"}],
        }
    }
    # The webhook may know for up to a minute that the export was live.
    poll(lambda: _is_ignored(customer, json.dumps(late)), "a webhook that knows", 90.0, interval_s=2.0)
    assert not customer.audit(export.input(*NAMES)).ok
    assert customer.ledger().keys() == before.keys()
    customer.succeed(export.input(*NAMES))
    assert list(export.jobs()) == [job]
    export.wait_until_right(*NAMES)
    assert {known.state for known in export.account().audiences.values()} == {AudienceState.LIVE}


def _is_ignored(customer: Customer, body: str) -> bool:
    assert customer.post(body).status_code == 200
    lines = [one for one in customer.product.logged("ingest", "delivery") if one["export"] == customer.name]
    return bool(lines) and lines[-1].get("Ignored") == 1


def test_job_that_is_gone_is_made_again(export: Exported) -> None:
    export.stop()
    (job,) = export.jobs()
    kill(export.customer, job)
    export.customer.succeed(export.input(*NAMES))
    assert list(export.jobs()) != [job]
    assert len(export.jobs()) == 1


def test_removed_audience_is_emptied_and_right_at_once_when_added_again(export: Exported) -> None:
    customer = export.customer
    report = customer.succeed(export.input(HIGH_VALUE, READERS))
    export.wait_until_empty(LAPSED)
    export.wait_until_right(HIGH_VALUE, READERS)
    assert export.in_segment(LAPSED) == set()
    account = export.account()
    assert (account.audiences[LAPSED].state, account.to_clear) == (AudienceState.CLEARED, {})
    assert any(NAMES[LAPSED] in note for note in report["notes"])
    customer.succeed(export.input(*NAMES))
    export.wait_until_right(*NAMES)


def test_kept_audience_stays_as_it_is(export: Exported) -> None:
    before = export.in_segment(LAPSED)
    export.customer.succeed(export.input(HIGH_VALUE, READERS, removed_audiences="keep"))
    assert export.in_segment(LAPSED) == before
    assert export.account().audiences[LAPSED].state is AudienceState.KEPT


def test_segment_of_a_removed_audience_is_deleted(export: Exported) -> None:
    export.customer.succeed(export.input(HIGH_VALUE, READERS, delete_segments=True))
    export.wait_until_empty(LAPSED)
    assert export.customer.sendgrid.names()["segments"] == ["High value users", "Newsletter readers"]
    assert LAPSED not in export.account().audiences


def test_stop_that_clears_empties_the_segments(export: Exported) -> None:
    export.stop(clear=True)
    for audience in NAMES:
        export.wait_until_empty(audience)
    assert len(export.customer.sendgrid.names()["segments"]) == 3
    export.customer.succeed(export.input(*NAMES))
    export.wait_until_right(*NAMES)


def test_remove_leaves_nothing_of_ours_and_all_of_theirs(product: Product) -> None:
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=6)
        customer.sendgrid.add_field("theirs")
        customer.sendgrid.add_list("Theirs")
        customer.lytics.seed_job("webhook_triggers", name="Theirs")
        export = Exported(customer)
        before = export.things()
        customer.succeed(export.input(*NAMES))
        assert export.things() != before
        report = export.stop(clear=True, delete_segments=True)
        for audience in NAMES:
            export.wait_until_empty(audience)
        after = export.things()
        fields = set(after.pop("custom_fields")) - set(before.pop("custom_fields"))
        assert after == before
        assert fields == {"lytics_segments", "lifetime_value", "last_purchase"}
        assert any("custom fields" in note for note in report["notes"])
        assert export.account().audiences == {}
