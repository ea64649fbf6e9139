"""Rejected people are counted and listed within the time and the number that a request has."""

from typing import Any

from functions.console.rejected.listing import MAX_SECONDS, Rejected
from lytics_sendgrid.domain.contact import Contact, Rejection, contact_key, encode
from lytics_sendgrid.tables.rejected import RejectedContact, RejectedIndex, RejectedPage
from tests.clock import ManualClock
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import HIGH_VALUE, NEWSLETTER, UNMANAGED


def rejected(email: str, reason: str = "address", audience: str = HIGH_VALUE) -> RejectedContact:
    contact = Contact(1, {audience: 5}, rejection=Rejection(reason, "no", "0a", 1_795_000_000_000))
    return RejectedContact("default", email, contact)


class SlowIndex(RejectedIndex):
    """The index with two contacts a page. Each page takes some seconds."""

    def __init__(self, clock: ManualClock, *people: RejectedContact, page_s: float = 0.0) -> None:
        dynamodb: Any = DynamoDb()
        for person in people:
            item = {
                "pk": {"S": contact_key(person.account, person.email)},
                "version": {"N": "1"},
                "state": {"S": encode(person.contact)},
                "rejected_account": {"S": person.account},
            }
            dynamodb.put_item(TableName="contacts", Item=item)
        super().__init__(dynamodb, "contacts")
        self.clock, self.page_s = clock, page_s
        self.pages = 0

    def page(
        self, account: str, beginning: str = "", start: str | None = None, limit: int | None = None
    ) -> RejectedPage:
        assert account == "default"
        self.pages += 1
        self.clock.now_s += self.page_s
        return super().page(account, beginning, start, limit or 2)


def listing(*people: RejectedContact, page_s: float = 0.0) -> tuple[Rejected, SlowIndex]:
    clock = ManualClock()
    index = SlowIndex(clock, *people, page_s=page_s)
    return Rejected(index, clock), index


def test_people_are_counted_by_reason() -> None:
    found, _ = listing(rejected("a@x.org"), rejected("b@x.org", "fields"), rejected("c@x.org"))
    reasons = found.reasons(NEWSLETTER)
    assert (reasons.counts, reasons.whole, reasons.total) == ((("address", 2), ("fields", 1)), True, 3)


def test_people_of_other_exports_and_accepted_ones_are_left_out() -> None:
    accepted = RejectedContact("default", "d@x.org", Contact(1, {HIGH_VALUE: 5}))
    found, _ = listing(rejected("a@x.org", audience=UNMANAGED), rejected("b@x.org"), accepted)
    people, whole = found.people(NEWSLETTER, "", 10)
    assert ([person.email for person in people], whole) == (["b@x.org"], True)


def test_search_is_by_how_the_address_begins() -> None:
    found, _ = listing(rejected("ann@x.org"), rejected("anna@x.org"), rejected("bob@x.org"))
    people, whole = found.people(NEWSLETTER, "ann", 10)
    assert ([person.email for person in people], whole) == (["ann@x.org", "anna@x.org"], True)


def test_no_more_people_are_returned_than_wanted() -> None:
    found, index = listing(*(rejected(f"p{n}@x.org") for n in range(9)))
    people, whole = found.people(NEWSLETTER, "", 3)
    assert (len(people), whole, index.pages) == (3, False, 2)
    assert found.people(NEWSLETTER, "", 9)[1]


def test_reading_ends_in_time_and_says_that_there_are_more() -> None:
    found, index = listing(*(rejected(f"p{n}@x.org") for n in range(9)), page_s=MAX_SECONDS / 2 + 1)
    people, whole = found.people(NEWSLETTER, "", 100)
    assert (len(people), whole, index.pages) == (4, False, 2)
    assert not found.reasons(NEWSLETTER).whole
