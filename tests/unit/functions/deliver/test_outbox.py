"""deliver queues refreshes, import messages and requeued messages with their delays."""

from dataclasses import replace

from functions.deliver.outbox import Outbox
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, decode
from lytics_sendgrid.queues.imports import (
    ImportedContact,
    ImportMessage,
    import_from,
)
from tests.doubles.adapters import queue_writer
from tests.doubles.sqs import Queue
from tests.unit.functions.deliver.example_changes import enter, entering, people

JOB = ImportMessage(
    "default",
    "j1",
    1_795_000_000_000,
    ("r1",),
    {"ann@example.org": ImportedContact("newsletter", "0a")},
    2,
    1,
    3,
)


def outbox() -> tuple[Outbox, Queue, Queue]:
    changes, jobs = Queue("changes"), Queue("imports")
    return Outbox(queue_writer(changes)[0], queue_writer(jobs)[0], 900, 60), changes, jobs


def test_import_message_is_delayed() -> None:
    box, _, jobs = outbox()
    box.queue_import(
        replace(JOB, contacts={email: ImportedContact("newsletter", "0a") for email in people(9_000)})
    )
    assert {delay_s for delay_s, _ in jobs.sent} == {60}
    assert sum(len(import_from(body).contacts) for _, body in jobs.sent) == 9_000


def test_refreshes_are_one_message_per_export_with_stamp_as_time() -> None:
    box, changes, _ = outbox()
    people = {
        "newsletter": [("ann@example.org", 0), ("bob@example.org", 2)],
        "weekly": [("cy@example.org", 0)],
    }
    box.queue_refreshes(people, 5, 7)
    assert [
        (delay_s, one.export, one.queued_ms, [(c.email, c.time_ns, c.attempt) for c in one.changes])
        for delay_s, body in changes.sent
        for one in [decode(body)]
    ] == [
        (
            900,
            "newsletter",
            7,
            [("ann@example.org", 5_000_000, None), ("bob@example.org", 5_000_000, 2)],
        ),
        (900, "weekly", 7, [("cy@example.org", 5_000_000, None)]),
    ]


def test_requeued_message_of_a_run_stays_one_message() -> None:
    box, changes, _ = outbox()
    large = replace(
        entering(people(1_500)),
        changes=tuple(enter(email, city="x" * 200) for email in people(1_500)),
        run="r1",
        number="a.0",
    )
    box.requeue([large, Message("newsletter", (enter("ann@example.org"),))], 30)
    assert [(delay_s, decode(body)) for delay_s, body in changes.sent] == [
        (30, large),
        (30, Message("newsletter", (enter("ann@example.org"),))),
    ]
    assert len(changes.sent[0][1]) > MESSAGE_BYTES
