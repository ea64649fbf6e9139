"""List rejected contacts and why SendGrid refused them.

Run ``STACK=lytics-sendgrid python -m functions.operate.rejected``.

``EXPORT`` limits the list to contacts that are or were in one of that export's audiences, or in none that is
known. Reads the whole contacts table, which costs about $0.02 per million contacts. Needs
``cloudformation:DescribeStacks``, ``dynamodb:Scan`` on the contacts table and, with ``EXPORT``,
``dynamodb:GetItem`` on the exports table.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError

from functions.operate.stack import boto_session, explained, stack_name, stack_outputs
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact, decode
from lytics_sendgrid.domain.instants import format_rfc3339
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError
from lytics_sendgrid.tables.exports import ExportsTable


class DynamoDBClient(Protocol):
    """The part of boto3's client that is used."""

    def scan(self, *, TableName: str, FilterExpression: str, ExclusiveStartKey: Any = ...) -> Any: ...  # noqa: N803, D102


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


def rejected_contacts(client: DynamoDBClient, table: str) -> Iterator[RejectedContact]:
    """Yield every rejected contact of the contacts table, in no particular order.

    Raises:
        RetryLater: DynamoDB did not answer.
        StopRun: the caller may not read the table.
    """
    start: dict[str, Any] = {}
    while True:
        with translated("DynamoDB"):
            page = client.scan(TableName=table, FilterExpression="attribute_exists(rejected)", **start)
        for item in page["Items"]:
            account, _, email = item["pk"]["S"].partition("#")
            yield RejectedContact(account, email, decode(item["state"]["S"], int(item["version"]["N"])))
        if not page.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def as_lines(contacts: Iterable[RejectedContact]) -> Iterator[str]:
    """Yield tab-separated lines, the latest rejection first, then the number of contacts by reason."""
    reasons: Counter[str] = Counter()
    yield "email\treason\tsince\tSendGrid said\taccount"
    found = [(one, rejection) for one in contacts if (rejection := one.contact.rejection) is not None]
    for one, rejection in sorted(found, key=lambda pair: (-pair[1].at_ms, pair[0].email)):
        reasons[rejection.reason] += 1
        since = format_rfc3339(rejection.at_ms * 1_000_000)
        message = " ".join(rejection.words.split())
        yield f"{one.email}\t{rejection.reason}\t{since}\t{message}\t{one.account}"
    counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    yield f"{len(found):,} rejected{f': {counts}' if counts else ''}"


def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Print the rejected contacts; return the exit status of the program."""
    try:
        stack, session = stack_name(environment), boto_session(environment)
        outputs = stack_outputs(session.client("cloudformation"), stack)
        dynamodb = session.client("dynamodb")
        contacts: Iterable[RejectedContact] = rejected_contacts(dynamodb, outputs["ContactsTable"])
        if name := environment.get("EXPORT", ""):
            export = ExportsTable(dynamodb, outputs["ExportsTable"]).export(name)
            if export is None:
                raise InputInvalid(f"EXPORT={name}: no such export")
            contacts = (contact for contact in contacts if contact.belongs_to(export))
        for line in as_lines(contacts):
            say(line + "\n")
    except (LyticsSendGridError, BotoCoreError) as error:
        say(f"{explained(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
