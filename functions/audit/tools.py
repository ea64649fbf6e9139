"""What an audit is asked for, and what it works with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from functions.audit.contact_export import ContactExport
from functions.audit.repair import RepairableSegments
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.each import Each
from lytics_sendgrid.domain.walking import Ledger, Walks
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.sendgrid.resources import ContactList
from lytics_sendgrid.sendgrid.row import RowForm
from lytics_sendgrid.workflow.account_book import Accounts


class SendGridAccount(RepairableSegments, Protocol):
    """What an audit reads in SendGrid."""

    def lists(self) -> tuple[ContactList, ...]: ...  # noqa: D102
    def start_contact_export(self) -> str: ...  # noqa: D102
    def contact_export(self, job: str) -> ContactExport: ...  # noqa: D102


class Configurations(Accounts, Protocol):
    """The account's configuration, and its exports'."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to audit.

    Attributes:
        run: the execution's name.
        export: its export.
        account: the SendGrid account.
        audiences: of the export.
        prefix: of the numbers of this invocation's messages, unique in the run.
        dry_run: nothing is sent or repaired.
        restore_deleted: contacts that were deleted in SendGrid are recreated.
        repair_segments: segments that were changed or deleted are repaired.
        in_flight_ms: a row that was sent less than this before the export may land after it.
    """

    run: str
    export: str
    account: str
    audiences: tuple[Audience, ...]
    prefix: str
    dry_run: bool
    restore_deleted: bool
    repair_segments: bool
    in_flight_ms: int


@dataclass(frozen=True, slots=True)
class AuditTools:
    """The collaborators.

    Attributes:
        sendgrid: the vendor.
        configurations: of the account and its exports.
        walks: the checkpoint.
        ledger: the contacts table.
        queue: the changes queue.
        each: applies a function to several items at once.
        form: makes an account's row form.
        download: yields the bytes of a file of SendGrid.
        clock: ours.
        deadline: of this invocation's work.
    """

    sendgrid: SendGridAccount
    configurations: Configurations
    walks: Walks
    ledger: Ledger
    queue: Queue
    each: Each
    form: Callable[[Account], RowForm]
    download: Callable[[str], Iterator[bytes]]
    clock: Clock
    deadline: Deadline
