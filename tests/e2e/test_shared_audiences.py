"""Two exports of one SendGrid account share an audience."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lytics_sendgrid.domain.configuration import AudienceState
from tests.e2e.customer import Customer, Product, customer_of
from tests.e2e.live_export import NAMES, SLUGS, Exported
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS

PEOPLE = 120


@dataclass(frozen=True, slots=True)
class Sharing(Exported):
    """A newsletter and offers, which share the audience READERS. The offers know people by another address.

    The newsletter has HIGH_VALUE and READERS, the offers have READERS and LAPSED.
    """

    @property
    def offers_name(self) -> str:
        return f"{self.customer.name}-offers"

    def offers(self, *audiences: str, **changes: Any) -> dict[str, Any]:
        keys = {"export": self.offers_name, "email_field": "work_email"}
        return self.input(*audiences, **keys | changes)

    def members(self, audience: str, *fields: str) -> set[str]:
        """Return the addresses that an audience's members have in some fields."""
        profiles = self.customer.lytics.profiles()
        inside = [profile.fields for profile in profiles if audience in profile.audiences]
        return {profile[field].lower() for profile in inside for field in fields if profile.get(field)}

    def wait_until_shown(self, **fields: tuple[str, ...]) -> None:
        """Wait until each audience's segment and the rows hold exactly who is in it by some e-mail fields."""
        audiences = {"high_value": HIGH_VALUE, "readers": READERS, "lapsed": LAPSED}
        truth = {audiences[name]: self.members(audiences[name], *of) for name, of in fields.items()}
        wrong: list[str] = []

        def is_right() -> bool:
            wrong[:] = [
                f"'{NAMES[audience]}': {email}"
                for audience, members in truth.items()
                for email in (members ^ self.in_segment(audience)) | (members ^ self.with_id(audience))
            ]
            return not wrong

        try:
            poll(is_right, "SendGrid to match Lytics", 40.0, interval_s=0.2)
        except TimeoutError:
            raise AssertionError("\n".join(wrong[:20])) from None


BOTH = ("email", "work_email")


@pytest.fixture
def sharing(product: Product) -> Iterator[Sharing]:
    """Return two live exports that share an audience."""
    with shared(product, identifies=True) as sharing:
        yield sharing


@contextmanager
def shared(product: Product, *, identifies: bool) -> Iterator[Sharing]:
    """Return two live exports that share an audience.

    Args:
        product: deployed.
        identifies: Lytics finds people by the second export's e-mail field.
    """
    with customer_of(product) as customer:
        customer.lytics.schema.add("work_email", "string", is_identifier=identifies)
        populate(customer)
        sharing = Sharing(customer)
        customer.succeed(sharing.input(HIGH_VALUE, READERS))
        customer.succeed(sharing.offers(READERS, LAPSED))
        sharing.wait_until_shown(high_value=("email",), readers=BOTH, lapsed=("work_email",))
        yield sharing


def populate(customer: Customer) -> None:
    customer.lytics.populate(PEOPLE, 3, seed=9)
    for number, profile in enumerate(customer.lytics.profiles()):
        if number % 2:
            customer.lytics.change(profile.id, {"work_email": f"person{number}@work.example"}, silently=True)


def test_shared_audience_that_one_export_drops_is_the_others(sharing: Sharing) -> None:
    customer = sharing.customer
    start = sharing.input(HIGH_VALUE)
    (note, *_) = customer.succeed(start | {"dry_run": True})["plan"]["notes"]
    assert note.startswith("the audience 'Newsletter readers' (")
    assert f"its segment stays and is updated by {sharing.offers_name}, which also exports" in note
    assert "only through this export's e-mail field leave it in this run" in note
    customer.succeed(start)
    sharing.wait_until_shown(high_value=("email",), readers=("work_email",), lapsed=("work_email",))
    assert sharing.account().audiences[READERS].exports == (sharing.offers_name,)

    enter_and_leave(customer)
    sharing.wait_until_shown(high_value=("email",), readers=("work_email",), lapsed=("work_email",))

    customer.succeed(sharing.input(HIGH_VALUE, READERS))
    sharing.wait_until_shown(high_value=("email",), readers=BOTH, lapsed=("work_email",))


def test_people_wait_a_day_if_lytics_cannot_look_them_up(product: Product) -> None:
    """The sweep has just taken them out, and a scan may lag: only a look-up could put them back at once."""
    with shared(product, identifies=False) as sharing:
        customer = sharing.customer
        alone = sharing.members(READERS, "email") - sharing.members(READERS, "work_email")
        customer.succeed(sharing.input(HIGH_VALUE))
        sharing.wait_until_shown(readers=("work_email",))
        report = customer.succeed(sharing.input(HIGH_VALUE, READERS))
        assert report["drift"]["waiting"] == len(alone)
        assert any(
            f"'Newsletter readers', not put back yet: {len(alone)} people. They may be in it again" in note
            for note in report["notes"]
        )
        sharing.wait_until_shown(high_value=("email",), readers=("work_email",))


def test_stop_that_clears_leaves_what_another_export_has(sharing: Sharing) -> None:
    customer = sharing.customer
    stop = {"action": "stop", "export": sharing.offers_name, "clear": True}
    job, alone, shared = customer.succeed(stop | {"dry_run": True})["plan"]["notes"]
    assert job.endswith("will be paused")
    assert "alone: 'Lapsed customers' (" in alone
    assert f"which the export '{customer.name}' has, too. Their segments stay" in shared
    report = customer.succeed(stop)
    assert [cleared["name"] for cleared in report["cleared"]] == ["Lapsed customers"]
    assert sharing.in_segment(LAPSED) == sharing.with_id(LAPSED) == set()
    customer.succeed({"action": "resync", "export": customer.name, "max_leavers_percent": 100})
    sharing.wait_until_shown(high_value=("email",), readers=("email",))

    enter_and_leave(customer)
    sharing.wait_until_shown(high_value=("email",), readers=("email",))

    customer.succeed(sharing.offers(READERS, LAPSED))
    sharing.wait_until_shown(high_value=("email",), readers=BOTH, lapsed=("work_email",))


def test_audience_of_a_stopped_export_keeps_its_people(sharing: Sharing) -> None:
    """Its members are those of both exports, stopped ones included, until it is cleared there, too."""
    customer = sharing.customer
    customer.succeed({"action": "stop", "export": sharing.offers_name})
    customer.succeed({"action": "resync", "export": customer.name})
    sharing.wait_until_shown(high_value=("email",), readers=BOTH)
    stop = {"action": "stop", "export": customer.name, "clear": True}
    shared = customer.succeed(stop | {"dry_run": True})["plan"]["notes"][-1]
    assert shared.startswith("shared with a stopped export: 'Newsletter readers' (")
    assert shared.endswith('To empty them, stop those exports with "clear": true, too')
    customer.succeed(stop)
    assert sharing.account().audiences[READERS].state is AudienceState.STOPPED
    assert sharing.in_segment(READERS) == sharing.members(READERS, *BOTH)
    customer.succeed({"action": "stop", "export": sharing.offers_name, "clear": True})
    for audience in NAMES:
        sharing.wait_until_empty(audience)


def test_audience_that_only_a_stopped_export_keeps_is_swept_a_last_time(sharing: Sharing) -> None:
    customer = sharing.customer
    customer.succeed({"action": "stop", "export": sharing.offers_name})
    for profile in customer.lytics.profiles()[:6]:
        customer.lytics.exit(profile.id, SLUGS[READERS], silently=True)
    start = sharing.input(HIGH_VALUE)
    (note, *_) = customer.succeed(start | {"dry_run": True})["plan"]["notes"]
    assert (
        f"because the stopped export {sharing.offers_name} has the audience, too. This run takes out" in note
    )
    assert "After that, nobody enters or leaves it until that export is started again" in note
    customer.succeed(start)
    sharing.wait_until_shown(high_value=("email",), readers=("work_email",))
    assert sharing.account().audiences[READERS].state is AudienceState.STOPPED
    before = sharing.in_segment(READERS)
    enter_and_leave(customer)
    customer.succeed({"action": "resync", "export": customer.name})
    assert sharing.in_segment(READERS) == before


def test_another_list_is_refused_with_words_that_can_be_followed(sharing: Sharing) -> None:
    customer = sharing.customer
    list_id = customer.sendgrid.add_list("Offers")
    before = sharing.account()
    refused = customer.run(sharing.offers(READERS, LAPSED, list="Offers", delete_segments=True))
    assert refused.status == "FAILED"
    assert "the segment 'Newsletter readers' of the audience 'Newsletter readers' is on all contacts" in (
        refused.error
    )
    assert f"It is also the segment of another export ({customer.name}): use the same list" in refused.error
    assert "or export the audience by one of them only" in refused.error
    assert sharing.account() == before

    # By one of them only: the newsletter gives it up, and then the offers can have it on their list.
    customer.succeed(sharing.input(HIGH_VALUE))
    customer.succeed(sharing.offers(READERS, LAPSED, list="Offers", delete_segments=True))
    sharing.wait_until_shown(high_value=("email",), readers=("work_email",), lapsed=("work_email",))
    audiences = sharing.account().audiences
    assert {audiences[audience].list_id for audience in (READERS, LAPSED)} == {list_id}
    assert audiences[HIGH_VALUE].list_id is None


def enter_and_leave(customer: Customer) -> None:
    """Let people enter and leave the shared audience, with events."""
    people = customer.lytics.profiles()
    for profile in people[:8]:
        customer.lytics.exit(profile.id, SLUGS[READERS])
    for profile in people[8:16]:
        customer.lytics.enter(profile.id, SLUGS[READERS])
