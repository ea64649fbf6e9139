"""Rejected contacts are listed with the reason, the time and SendGrid's message."""

from dataclasses import replace

from functions.operate.rejected import accounts_of, as_lines, main, rejected_contacts
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact, Rejection, account_of
from lytics_sendgrid.tables.rejected import RejectedContact, RejectedPage
from tests.newsletter import HIGH_VALUE, NEWSLETTER, UNMANAGED

AT_MS = 1_795_000_000_000


def contact(reason: str, at_ms: int = AT_MS, audience: str = HIGH_VALUE) -> Contact:
    return Contact(
        version=2,
        memberships={audience: 5},
        rejection=Rejection(reason, "(address) is\tnot\nvalid", "0a", at_ms),
    )


class Pages:
    """The index, with one contact a page."""

    def __init__(self, *people: tuple[str, Contact]) -> None:
        self.people = [
            RejectedContact(account_of(key), key.partition("#")[2], contact) for key, contact in people
        ]

    def page(self, account: str, beginning: str = "", start: str | None = None) -> RejectedPage:
        found = [person for person in self.people if person.account == account]
        number = int(start or 0)
        more = number + 1 < len(found)
        return RejectedPage(tuple(found[number : number + 1]), str(number + 1) if more else None)


class Exports:
    """Three exports of two accounts, and a name without a configuration."""

    def export_names(self) -> tuple[str, ...]:
        return ("newsletter", "again", "unfinished", "elsewhere")

    def export(self, name: str) -> Export | None:
        accounts = {"newsletter": "default", "again": "default", "elsewhere": "other"}
        return replace(NEWSLETTER, account=accounts[name]) if name in accounts else None


def test_accounts_are_those_of_all_exports() -> None:
    assert accounts_of(Exports()) == ["default", "other"]


def test_rejected_contacts_are_listed_latest_first_with_counts() -> None:
    pages = Pages(
        ("default#ann@example.org", contact("address")),
        ("other#bob@example.com", contact("fields", AT_MS + 1_000)),
        ("default#cy@example.com", contact("address", AT_MS - 1_000)),
    )
    assert list(as_lines(rejected_contacts(pages, ["default", "empty", "other"]))) == [
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
