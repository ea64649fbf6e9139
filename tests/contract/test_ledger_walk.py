"""The walk of the ledger gives the same answers on moto's DynamoDB and on the double."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.domain.contact import Contact, Rejection, account_of, decode_memberships, encode
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from lytics_sendgrid.tables.ledger_walk import LedgerPage, LedgerWalk
from tests.doubles.dynamodb import DynamoDb

ANN = Contact(3, {"a": 5, "b": -7}, {"city": (5, "Zürich 🏔")}, ("l",), "j1", 7, "aa", 3)
REFUSED = Contact(1, {"a": 5}, rejection=Rejection("address", "400 no", "bb", 9), configuration=3)


def put(client: DynamoDBClient, key: str, contact: Contact) -> None:
    state = {"S": encode(contact)}
    item: dict[str, Any] = {"pk": {"S": key}, "version": {"N": str(contact.version)}, "state": state}
    if contact.rejection is not None:
        item["rejected_account"] = {"S": account_of(key)}
    client.put_item(TableName="contacts", Item=item)


def pages(
    client: DynamoDBClient, account: str = "acme", segments: int = 1, limit: int | None = None
) -> Sequence[LedgerPage]:
    """Return every page of every segment."""
    walk, read = LedgerWalk(client, "contacts"), []
    for segment in range(segments):
        read.append(walk.page(account, segment, segments, None, limit))
        while read[-1].next_start is not None:
            read.append(walk.page(account, segment, segments, read[-1].next_start, limit))
    return read


def walked(read: Sequence[LedgerPage]) -> list[tuple[str, Contact]]:
    return sorted((contact for page in read for contact in page.contacts), key=lambda contact: contact[0])


def test_empty_table_has_one_page(client: DynamoDBClient) -> None:
    (page,) = pages(client)
    assert (page.contacts, page.next_start) == ((), None)


def test_every_contact_is_read_as_it_was_committed(client: DynamoDBClient) -> None:
    put(client, "acme#ann@example.org", ANN)
    put(client, "acme#bob#home@example.org", REFUSED)
    assert walked(pages(client)) == [("ann@example.org", ANN), ("bob#home@example.org", REFUSED)]


def test_walk_reads_memberships_alone_if_nothing_else_is_needed(client: DynamoDBClient) -> None:
    put(client, "acme#ann@example.org", ANN)
    (page,) = [LedgerWalk(client, "contacts", decode_memberships).page("acme", 0, 1)]
    assert page.contacts == (("ann@example.org", Contact(3, {"a": 5, "b": -7})),)


def test_contacts_of_other_accounts_are_left_out(client: DynamoDBClient) -> None:
    put(client, "acme#ann@example.org", ANN)
    put(client, "acme2#bob@example.org", ANN)
    put(client, "acm#e#eve@example.org", ANN)
    assert [email for email, _ in walked(pages(client))] == ["ann@example.org"]


@pytest.mark.parametrize("segments", [1, 3, 8])
def test_segments_and_pages_hold_each_contact_once(client: DynamoDBClient, segments: int) -> None:
    emails = [f"p{n:02d}@example.org" for n in range(50)]
    for email in emails:
        put(client, f"acme#{email}", ANN)
    read = pages(client, segments=segments, limit=7)
    assert [email for email, _ in walked(read)] == emails
    assert len(read) > segments


def test_page_costs_half_a_unit_for_4_kb_of_any_account() -> None:
    dynamodb: Any = DynamoDb()
    for n in range(100):
        put(dynamodb, f"{'acme' if n % 2 else 'other'}#p{n}@example.org", ANN)
    (page,) = pages(dynamodb)
    item_bytes = len("pkversionstate3acme#p10@example.org") + len(encode(ANN))
    assert len(page.contacts) == 50
    assert page.read_units == pytest.approx(100 * item_bytes / 4_096 / 2, abs=1)


def test_failing_dynamodb_is_retried_later_and_a_refusal_stops() -> None:
    dynamodb = DynamoDb()
    walk = LedgerWalk(cast(DynamoDBClient, dynamodb), "contacts")
    dynamodb.calls.broken = EndpointConnectionError(endpoint_url="http://dynamodb")
    with pytest.raises(ServiceUnavailable):
        walk.page("acme", 0, 1)
    dynamodb.calls.broken = None
    with pytest.raises(StopRun, match="Scan"):
        LedgerWalk(cast(DynamoDBClient, dynamodb), "gone").page("acme", 0, 1)
