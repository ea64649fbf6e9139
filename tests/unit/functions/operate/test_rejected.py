"""Rejected contacts are listed with the reason, the time and SendGrid's message."""

from dataclasses import replace
from typing import Any

from functions.operate.rejected import accounts_of, as_lines, main, rejected_contacts
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, Rejection
from lytics_sendgrid.tables.rejected import RejectedContact, RejectedIndex, RejectedPage
from lytics_sendgrid.tables.summaries import put_part
from lytics_sendgrid.workflow.summary import SummaryPart
from tests.doubles.adapters import contacts_table, exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import HIGH_VALUE, NEWSLETTER, UNMANAGED

AT_MS = 1_795_000_000_000


def contact(reason: str, at_ms: int = AT_MS, audience: str = HIGH_VALUE) -> Contact:
    return Contact(
        version=0,
        memberships={audience: 5},
        rejection=Rejection(reason, "(address) is\tnot\nvalid", "0a", at_ms),
    )


class ShortPages(RejectedIndex):
    """An index whose pages hold one contact."""

    def page(
        self, account: str, beginning: str = "", start: str | None = None, limit: int | None = None
    ) -> RejectedPage:
        return super().page(account, beginning, start, limit or 1)


def index_of(*people: tuple[str, Contact]) -> RejectedIndex:
    client: Any = DynamoDb()
    contacts_table(client).commit([Commit(*person) for person in people], {key: UNKNOWN for key, _ in people})
    return ShortPages(client, "contacts")


def test_accounts_are_those_of_all_exports() -> None:
    dynamodb: Any = DynamoDb()
    accounts = {"newsletter": "default", "again": "default", "elsewhere": "other"}
    exports = [replace(NEWSLETTER, name=name, account=account) for name, account in accounts.items()]
    table = exports_table(dynamodb, *exports)
    put_part(dynamodb, "exports", "unfinished", SummaryPart.CONFIGURED, {})  # without a configuration
    assert table.export_names() == ("again", "elsewhere", "newsletter", "unfinished")
    assert accounts_of(table) == ["default", "other"]


def test_rejected_contacts_are_listed_latest_first_with_counts() -> None:
    index = index_of(
        ("default#ann@example.org", contact("address")),
        ("other#bob@example.com", contact("fields", AT_MS + 1_000)),
        ("default#cy@example.com", contact("address", AT_MS - 1_000)),
    )
    assert list(as_lines(rejected_contacts(index, ["default", "empty", "other"]))) == [
        "email\treason\tsince\tSendGrid said\taccount",
        "bob@example.com\tfields\t2026-11-18T11:06:41Z\t(address) is not valid\tother",
        "ann@example.org\taddress\t2026-11-18T11:06:40Z\t(address) is not valid\tdefault",
        "cy@example.com\taddress\t2026-11-18T11:06:39Z\t(address) is not valid\tdefault",
        "3 rejected: address 2, fields 1",
    ]


def test_empty_list_is_reported() -> None:
    assert list(as_lines([]))[-1] == "0 rejected"


def test_contact_belongs_to_exports_of_its_audiences() -> None:
    assert RejectedContact("default", "a@example.org", contact("address")).belongs_to(NEWSLETTER)
    assert not RejectedContact("other", "a@example.org", contact("address")).belongs_to(NEWSLETTER)
    assert not RejectedContact("default", "a@example.org", contact("address", audience=UNMANAGED)).belongs_to(
        NEWSLETTER
    )


def test_contact_without_audience_belongs_to_every_export_of_account() -> None:
    nobodys = replace(contact("address"), memberships={})
    assert RejectedContact("default", "a@example.org", nobodys).belongs_to(NEWSLETTER)
    assert not RejectedContact("other", "a@example.org", nobodys).belongs_to(NEWSLETTER)


def test_missing_stack_is_reported() -> None:
    said: list[str] = []
    assert main({}, said.append) == 1
    assert "STACK=" in said[0]
