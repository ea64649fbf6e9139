"""List whom SendGrid does not hold as it should: ``STACK=lytics-sendgrid python -m functions.operate.rejected``.

With ``EXPORT`` only those who were in one of its audiences, or of whom no audience is known yet. Reads the whole
contacts table, which costs about $0.02 per million people; needs ``cloudformation:DescribeStacks``, ``dynamodb:Scan``
on the contacts table and, with ``EXPORT``, ``dynamodb:GetItem`` on the exports table.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError

from functions.operate.stack import asked_stack, session_of, stack_outputs
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
class Person:
    """Somebody in the ledger.

    Attributes:
        account: whose contact it is.
        email: the contact's.
        contact: as the ledger has it.
    """

    account: str
    email: str
    contact: Contact

    def concerns(self, export: Export) -> bool:
        """Tell whether the person is or was in an audience of an export, or may be: in none that is known."""
        memberships = self.contact.memberships
        return self.account == export.account and (
            not memberships or not export.audience_ids.isdisjoint(memberships)
        )


def rejected_people(client: DynamoDBClient, table: str) -> Iterator[Person]:
    """Read everybody from the contacts table who is rejected, in no order.

    Raises:
        RetryLater: DynamoDB did not answer.
        StopRun: the table may not be read.
    """
    start: dict[str, Any] = {}
    while True:
        with translated("DynamoDB"):
            page = client.scan(TableName=table, FilterExpression="attribute_exists(rejected)", **start)
        for item in page["Items"]:
            account, _, email = item["pk"]["S"].partition("#")
            yield Person(account, email, decode(item["state"]["S"], int(item["version"]["N"])))
        if not page.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def table_of(people: Iterable[Person]) -> Iterator[str]:
    """Write people as lines of tab-separated columns, the latest first, and how many there are by reason."""
    reasons: Counter[str] = Counter()
    yield "email\treason\tsince\tSendGrid said\taccount"
    found = [(person, rejection) for person in people if (rejection := person.contact.rejection) is not None]
    for person, rejection in sorted(found, key=lambda pair: (-pair[1].at_ms, pair[0].email)):
        reasons[rejection.reason] += 1
        since = format_rfc3339(rejection.at_ms * 1_000_000)
        words = " ".join(rejection.words.split())
        yield f"{person.email}\t{rejection.reason}\t{since}\t{words}\t{person.account}"
    counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    yield f"{len(found):,} rejected{f': {counts}' if counts else ''}"


def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """List whom a person asks for; return the program's exit status."""
    try:
        stack, session = asked_stack(environment), session_of(environment)
        outputs = stack_outputs(session.client("cloudformation"), stack)
        dynamodb = session.client("dynamodb")
        people: Iterable[Person] = rejected_people(dynamodb, outputs["ContactsTable"])
        if name := environment.get("EXPORT", ""):
            export = ExportsTable(dynamodb, outputs["ExportsTable"]).export(name)
            if export is None:
                raise InputInvalid(f"EXPORT={name}: there is no export of that name")
            people = (person for person in people if person.concerns(export))
        for line in table_of(people):
            say(line + "\n")
    except (LyticsSendGridError, BotoCoreError) as error:
        say(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
