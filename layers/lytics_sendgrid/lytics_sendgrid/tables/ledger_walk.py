"""Walk the ledger: read every contact of an account, page by page, in parallel segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.contact import Contact, contact_key, decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """A page of the walk.

    Attributes:
        contacts: address and state of each of the account's contacts on the page. May be empty although
            pages follow.
        next_start: where the next page begins; None after the last one.
        read_units: what DynamoDB charged, the contacts of other accounts included.
    """

    contacts: tuple[tuple[str, Contact], ...]
    next_start: str | None
    read_units: float


class LedgerWalk:
    """Reads the contacts table by segments, eventually consistent, at half the price.

    DynamoDB charges for the whole table, whatever accounts are in it.
    """

    def __init__(
        self, client: DynamoDBClient, table: str, read: Callable[[str, int], Contact] = decode
    ) -> None:
        """Keep the collaborators.

        Args:
            client: boto3's client.
            table: the table's name.
            read: makes a contact of an item's state and version; ``decode_memberships`` is quicker.
        """
        self._client = client
        self._table = table
        self._read = read

    def page(
        self, account: str, segment: int, segments: int, start: str | None = None, limit: int | None = None
    ) -> LedgerPage:
        """Return one page of one segment.

        A contact that is written meanwhile is read once, before or after the write. One that is created
        meanwhile may be missed.

        Args:
            account: the SendGrid account.
            segment: from 0.
            segments: how many there are. Each contact is in one of them.
            start: ``next_start`` of the segment's previous page; None for its first page.
            limit: how many items to read at most, those of other accounts included. None: 1 MB.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        optional: dict[str, Any] = {}
        if start is not None:
            optional["ExclusiveStartKey"] = {"pk": {"S": start}}
        if limit is not None:
            optional["Limit"] = limit
        prefix = contact_key(account, "")
        with translated("DynamoDB"):
            answer = self._client.scan(
                TableName=self._table,
                Segment=segment,
                TotalSegments=segments,
                FilterExpression="begins_with(pk, :account)",
                ExpressionAttributeValues={":account": {"S": prefix}},
                ReturnConsumedCapacity="TOTAL",
                **optional,
            )
        contacts = tuple(
            (item["pk"]["S"][len(prefix) :], self._read(item["state"]["S"], int(item["version"]["N"])))
            for item in answer["Items"]
        )
        last = answer.get("LastEvaluatedKey")
        units = answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
        return LedgerPage(contacts, last["pk"]["S"] if last else None, units)
