"""An export of three audiences that is live, and what SendGrid has of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.domain.configuration import Account
from lytics_sendgrid.tables.exports import ExportsTable
from tests.e2e.customer import Customer, Product, customer_of
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS

PEOPLE: Final = 150
NAMES: Final = {
    HIGH_VALUE: "High value users",
    READERS: "Newsletter readers",
    LAPSED: "Lapsed customers",
}
SLUGS: Final = {HIGH_VALUE: "high_value_users", READERS: "newsletter_readers", LAPSED: "lapsed_customers"}


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that is live, and its customer."""

    customer: Customer

    def input(self, *audiences: str, **changes: Any) -> dict[str, Any]:
        return self.customer.input(
            audiences=[SLUGS.get(audience, audience) for audience in audiences], **changes
        )

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


@contextmanager
def exported(product: Product, seed: int = 5) -> Iterator[Exported]:
    """Return an export of three audiences that is live."""
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=seed)
        export = Exported(customer)
        customer.succeed(export.input(*NAMES))
        customer.wait_until_equal(export.input(*NAMES))
        yield export


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
