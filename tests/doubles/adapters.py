"""The real adapters over the doubles."""

from typing import Any

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable
from tests.clock import ManualClock
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue, Sqs


def exports_table(dynamodb: DynamoDb, *configurations: Export | Account) -> ExportsTable:
    """Return the exports table, with these configurations in it."""
    client: Any = dynamodb
    table = ExportsTable(client, "exports")
    for configuration in configurations:
        if isinstance(configuration, Account):
            table.put_account(configuration, read_version=0)
        else:
            table.put_export(configuration)
    dynamodb.calls.made.clear()
    return table


def contacts_table(dynamodb: DynamoDb, clock: Clock | None = None) -> ContactsTable:
    """Return the contacts table; its requests are made one after another."""
    client: Any = dynamodb
    return ContactsTable(client, "contacts", clock or ManualClock(), each=map)


def erasures_table(dynamodb: DynamoDb) -> ErasuresTable:
    """Return the holds of erased people, in the exports table."""
    client: Any = dynamodb
    return ErasuresTable(client, "exports")


def queue_writer(queue: Queue) -> tuple[QueueWriter, Sqs]:
    """Return what writes to a queue, and the client that it does so with."""
    sqs = Sqs(queue)
    return QueueWriter(sqs, queue.name), sqs
