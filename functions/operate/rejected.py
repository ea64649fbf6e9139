"""List rejected contacts and why SendGrid refused them.

Run ``STACK=lytics-sendgrid python -m functions.operate.rejected``.

``EXPORT`` limits the list to contacts that are or were in one of that export's audiences, or in none that is
known. Reads the index of rejected contacts, and so nothing of those that SendGrid accepts. Needs
``cloudformation:DescribeStacks``, ``dynamodb:Query`` on the index ``rejected`` of the contacts table, and
``dynamodb:GetItem`` and ``dynamodb:Query`` on the exports table.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from functions.operate.stack import boto_session, says_errors, stack_name, stack_outputs
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import format_ms
from lytics_sendgrid.errors import InputInvalid
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.rejected import RejectedContact, RejectedIndex, RejectedPage


class Index(Protocol):
    """The index of rejected contacts."""

    def page(self, account: str, beginning: str = ..., start: str | None = ...) -> RejectedPage: ...  # noqa: D102


class Exports(Protocol):
    """The exports table."""

    def export_names(self) -> tuple[str, ...]: ...  # noqa: D102
    def export(self, name: str) -> Export | None: ...  # noqa: D102


def accounts_of(exports: Exports) -> list[str]:
    """Return the SendGrid accounts of all exports, sorted."""
    configurations = map(exports.export, exports.export_names())
    return sorted({export.account for export in configurations if export is not None})


def rejected_contacts(index: Index, accounts: Iterable[str]) -> Iterator[RejectedContact]:
    """Yield every rejected contact of some accounts, by account, then by address.

    Raises:
        RetryLater: DynamoDB did not answer.
        StopRun: the caller may not read the index.
    """
    for account in accounts:
        start: str | None = None
        while True:
            page = index.page(account, start=start)
            yield from page.contacts
            if page.next_start is None:
                break
            start = page.next_start


def as_lines(contacts: Iterable[RejectedContact]) -> Iterator[str]:
    """Yield tab-separated lines, the latest rejection first, then the number of contacts by reason."""
    reasons: Counter[str] = Counter()
    yield "email\treason\tsince\tSendGrid said\taccount"
    found = [(one, rejection) for one in contacts if (rejection := one.contact.rejection) is not None]
    for one, rejection in sorted(found, key=lambda pair: (-pair[1].at_ms, pair[0].email)):
        reasons[rejection.reason] += 1
        since = format_ms(rejection.at_ms)
        message = " ".join(rejection.message.split())
        yield f"{one.email}\t{rejection.reason}\t{since}\t{message}\t{one.account}"
    counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    yield f"{len(found):,} rejected{f': {counts}' if counts else ''}"


@says_errors
def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Print the rejected contacts; return the exit status of the program."""
    stack, session = stack_name(environment), boto_session(environment)
    outputs = stack_outputs(session.client("cloudformation"), stack)
    dynamodb = session.client("dynamodb")
    index = RejectedIndex(dynamodb, outputs["ContactsTable"])
    exports = ExportsTable(dynamodb, outputs["ExportsTable"])
    contacts: Iterable[RejectedContact]
    if name := environment.get("EXPORT", ""):
        export = exports.export(name)
        if export is None:
            raise InputInvalid(f"EXPORT={name}: no such export")
        of_account = rejected_contacts(index, [export.account])
        contacts = filter(lambda contact: contact.belongs_to(export), of_account)
    else:
        contacts = rejected_contacts(index, accounts_of(exports))
    for line in as_lines(contacts):
        say(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
