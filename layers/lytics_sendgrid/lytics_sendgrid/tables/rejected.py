"""The rejected contacts of an account: an index of the contacts table that holds no other contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.contact import Contact, contact_key, decode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from lytics_sendgrid.domain.configuration import Export

INDEX: Final = "rejected"


@dataclass(frozen=True, slots=True)
class RejectedContact:
    """A rejected contact.

    Attributes:
        account: the SendGrid account.
        email: the contact's address.
        contact: its state in the ledger.
    """

    account: str
    email: str
    contact: Contact

    def belongs_to(self, export: Export) -> bool:
        """Return whether the contact is or was in an audience of an export, or in no known audience."""
        memberships = self.contact.memberships
        return self.account == export.account and (
            not memberships or not export.audience_ids.isdisjoint(memberships)
        )


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """A page of rejected contacts.

    Attributes:
        contacts: sorted by address.
        next_start: where the next page begins; None after the last one.
    """

    contacts: tuple[RejectedContact, ...]
    next_start: str | None


class RejectedIndex:
    """Reads the index. It follows the table within a second or so."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def page(
        self, account: str, beginning: str = "", start: str | None = None, limit: int | None = None
    ) -> RejectedPage:
        """Return one page of an account's rejected contacts, by address.

        Args:
            account: the SendGrid account.
            beginning: how the addresses begin; empty: all.
            start: ``next_start`` of the page before; None for the first page.
            limit: how many contacts to read at most. None: 1 MB.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: the caller may not read the index.
        """
        optional: dict[str, Any] = {}
        if start is not None:
            optional["ExclusiveStartKey"] = {"rejected_account": {"S": account}, "pk": {"S": start}}
        if limit is not None:
            optional["Limit"] = limit
        with translated("DynamoDB"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="rejected_account = :account AND begins_with(pk, :beginning)",
                ExpressionAttributeValues={
                    ":account": {"S": account},
                    ":beginning": {"S": contact_key(account, beginning)},
                },
                **optional,
            )
        prefix = len(contact_key(account, ""))
        contacts = tuple(
            RejectedContact(
                account, item["pk"]["S"][prefix:], decode(item["state"]["S"], int(item["version"]["N"]))
            )
            for item in answer["Items"]
        )
        last = answer.get("LastEvaluatedKey")
        return RejectedPage(contacts, last["pk"]["S"] if last else None)
