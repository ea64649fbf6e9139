"""Every body in `events/lytics` has the outcome that the table in `events/README.md` lists."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import pytest

from lytics_sendgrid.domain.configuration_document import export_document, export_from
from lytics_sendgrid.domain.instants import parse_rfc3339_ns
from lytics_sendgrid.tables.exports import ExportsTable
from tests.e2e.customer import PUT_CONTACTS, Customer, Product, customer_of
from tests.events_table import Situation, situations
from tests.local.polling import poll
from tests.newsletter import NEWSLETTER, UNMANAGED

IDS: Final = {audience.slug: audience.id for audience in NEWSLETTER.audiences}
SITUATIONS: Final = {situation.file: situation for situation in situations()}
TEXTS: Final = ("first_name", "last_name", "city")
REFUSED_BY_SENDGRID: Final = "unicode-address.json"
"""SendGrid refuses non-ASCII characters in addresses."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The results of all posted bodies.

    Attributes:
        customer: The customer. Each file has its own export and people.
        statuses: The webhook's status by file.
        contacts: SendGrid's contacts by e-mail.
        rejects: The messages of the rejects queue by file.
    """

    customer: Customer
    statuses: Mapping[str, int]
    contacts: Mapping[str, dict[str, Any]]
    rejects: Mapping[str, list[dict[str, Any]]]


def export_of(file: str) -> str:
    return file.rpartition(".")[0]


def own(text: str, file: str) -> str:
    """Make the addresses in a text unique to its file."""
    return re.sub(r"(?<=\w)@(?=\w)", f"+{export_of(file)}@", text)


def post(customer: Customer, situation: Situation) -> int:
    """Post a body until its status is not 503: ingest does not know so many new exports at once."""

    def answer() -> int | None:
        body, export = own(situation.body, situation.file), export_of(situation.file)
        status = customer.post(body, export=export).status_code
        return None if status == 503 else status

    return poll(answer, "the answer of the webhook", timeout_s=10, interval_s=0.1)


@pytest.fixture(scope="module")
def posted(product: Product) -> Iterator[Posted]:
    with customer_of(product) as customer:
        customer.lytics.add_audience("Webinar guests", slug="webinar_guests", audience_id=UNMANAGED)
        customer.succeed(customer.input(backfill=False, subscribe=False))
        _copy_export(customer)
        _count_all_events(customer)
        statuses = {file: post(customer, situation) for file, situation in SITUATIONS.items()}
        product.wait_until_idle()
        customer.sendgrid.settle()
        rejects: dict[str, list[dict[str, Any]]] = {file: [] for file in SITUATIONS}
        files = {export_of(file): file for file in SITUATIONS}
        for reject in product.rejects():
            if reject["export"] in files:
                rejects[files[reject["export"]]].append(reject)
        contacts = {contact["email"]: contact for contact in customer.sendgrid.contacts()}
        yield Posted(customer, statuses, contacts, rejects)


def _copy_export(customer: Customer) -> None:
    """Create an export for each file, to distinguish the files' rejects."""
    deployment = customer.product.deployment
    table = ExportsTable(deployment.cloud.client("dynamodb"), deployment.outputs["ExportsTable"])
    export = table.export(customer.name)
    assert export is not None
    assert export_from(export_document(export)) == export
    for file in SITUATIONS:
        table.put_export(replace(export, name=export_of(file)))


def _count_all_events(customer: Customer) -> None:
    """Write the configuration as if the audiences had been added before the dates in the files."""
    deployment = customer.product.deployment
    table = ExportsTable(deployment.cloud.client("dynamodb"), deployment.outputs["ExportsTable"])
    account = table.account(customer.name)
    audiences = {name: replace(one, since_ns=0) for name, one in account.audiences.items()}
    table.put_account(replace(account, version=account.version + 1, audiences=audiences), account.version)


@pytest.mark.parametrize("file", SITUATIONS)
def test_body_has_the_outcome_that_the_table_lists(posted: Posted, file: str) -> None:
    situation = SITUATIONS[file]
    is_json = situation.outcomes != (("400",),)
    assert posted.statuses[file] == (200 if is_json else 400)
    reasons = [outcome[1] for outcome in situation.outcomes if outcome[0] == "reject"]
    if not is_json:
        reasons = ["not_json"]
    assert [reject["reason"] for reject in posted.rejects[file]] == reasons
    assert all(reject["detail"] and reject["source"] == "ingest" for reject in posted.rejects[file])
    expected = _memberships(situation)
    if file == REFUSED_BY_SENDGRID:
        (email,) = expected
        assert email not in posted.contacts
        _, answer = posted.customer.product.invoke(
            "InspectFunction", {"export": export_of(file), "email": email}
        )
        assert answer["ledger"]["rejection"]["reason"] == "address"
        return
    tag = f"+{export_of(file)}@"
    held = {email: contact for email, contact in posted.contacts.items() if tag in email}
    memberships = {email: contact["custom_fields"].get("lytics_segments") for email, contact in held.items()}
    assert memberships == expected
    for email, contact in held.items():
        _assert_fields(contact, [data for data in _profiles(_document(situation)) if _email(data) == email])


def test_no_change_is_dead_lettered(posted: Posted) -> None:
    sqs = posted.customer.product.deployment.cloud.client("sqs")
    url = posted.customer.product.deployment.outputs["ChangesDeadLetterQueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_same_bodies_again_send_nothing(posted: Posted) -> None:
    before = posted.customer.writes()[PUT_CONTACTS]
    for file, situation in SITUATIONS.items():
        if file != REFUSED_BY_SENDGRID:
            post(posted.customer, situation)
    posted.customer.product.wait_until_idle()
    assert posted.customer.writes()[PUT_CONTACTS] == before


def _memberships(situation: Situation) -> dict[str, str | None]:
    """Return the expected final `lytics_segments` by e-mail.

    The last event of an audience wins, at equal times the exit. A person with nothing but changes has no
    value.
    """
    last: dict[str, dict[str, tuple[int, str]]] = {}
    for kind, *rest in situation.outcomes:
        if kind in {"enter", "exit", "change"}:
            events = last.setdefault(own(rest[0], situation.file), {})
            if kind != "change":
                event = (parse_rfc3339_ns(rest[2]), kind)  # "enter" sorts before "exit"
                events[IDS[rest[1]]] = max(events.get(IDS[rest[1]], event), event)
    return {
        email: ",".join(sorted(a for a, (_, kind) in events.items() if kind == "enter"))
        or ("none" if events else None)
        for email, events in last.items()
    }


def _document(situation: Situation) -> Any:
    return json.loads(own(situation.body, situation.file))


def _profiles(value: Any) -> list[dict[str, Any]]:
    """Return all objects with an e-mail, at any depth."""
    if isinstance(value, list):
        return [data for element in value for data in _profiles(element)]
    if not isinstance(value, dict):
        return []
    inside = [data for element in value.values() for data in _profiles(element)]
    return [value, *inside] if "email" in value else inside


def _email(data: Mapping[str, Any]) -> str:
    return str(data["email"]).strip().lower()


def _assert_fields(contact: Mapping[str, Any], profiles: list[dict[str, Any]]) -> None:
    """Check that each field has the value of one of the person's profiles in the body, or none."""
    custom = contact["custom_fields"]
    for name in TEXTS:
        texts = {_text(data.get(name)) for data in profiles}
        assert contact[name] in texts, name
    numbers = {
        None if data.get("lifetime_value") is None else float(data["lifetime_value"]) for data in profiles
    }
    assert custom.get("lifetime_value") in numbers
    dates = {_date(data.get("last_purchase")) for data in profiles}
    assert _date(custom.get("last_purchase")) in dates


def _text(value: Any) -> str:
    """Return a text as it must arrive: lone surrogates become question marks, other types are dropped."""
    if not isinstance(value, str):
        return ""
    return "".join("?" if "\ud800" <= character <= "\udfff" else character for character in value).strip()


def _date(value: Any) -> int | None:
    return int(datetime.fromisoformat(value).timestamp()) if isinstance(value, str) and value else None
