"""Queue what must follow the end of an import job."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from functions.confirm.consequences import FollowUp, Parked, Refreshes, Rejects
from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.queues.changes import encode, pack
from lytics_sendgrid.queues.imports import ImportMessage, import_body
from lytics_sendgrid.queues.interface import Queue


class FollowUps:
    """The queues that follow-ups go to."""

    def __init__(self, changes: Queue, parked: Queue, clock: Clock) -> None:
        """Keep the collaborators.

        Args:
            changes: the changes queue.
            parked: the dead-letter queue of the imports queue, where parked contacts wait for an operator.
            clock: gives messages the time when they were first queued.
        """
        self._changes = changes
        self._parked = parked
        self._clock = clock

    def queue(self, job: ImportMessage, follow_ups: Sequence[FollowUp]) -> tuple[str, ...]:
        """Queue follow-ups; changes go to the export that each contact came by.

        Returns:
            The numbers of the messages that the job's runs must wait for.

        Raises:
            RetryLater: SQS did not accept all of them. Queueing them again is harmless.
            StopRun: SQS refused the request.
        """
        numbers: list[str] = []
        for follow_up in follow_ups:
            match follow_up:
                case Rejects(changes):
                    numbers += self._queue(job, changes, 0, len(numbers))
                case Refreshes(changes, delay_s):
                    numbers += self._queue(job, changes, delay_s, len(numbers))
                case Parked(contacts, reason):
                    body = import_body(
                        replace(job, contacts=contacts), f"{reason}; redrive it when the cause is fixed"
                    )
                    self._parked.send([body])
                case _ as never:
                    assert_never(never)
        return tuple(numbers)

    def _queue(
        self, job: ImportMessage, changes: Sequence[Change], delay_s: int, first_number: int
    ) -> list[str]:
        by_export: dict[str, list[Change]] = {}
        for change in changes:
            by_export.setdefault(job.contacts[change.email].export, []).append(change)
        numbers: list[str] = []
        now_ms = int(self._clock.now() * 1000)
        for export, of_export in by_export.items():
            waiting = iter(of_export)
            for packed in pack(Message(export, tuple(of_export), queued_ms=now_ms)):
                part = tuple(itertools.islice(waiting, packed.changes))
                if not job.runs:
                    self._changes.send([packed.body], delay_s)
                    continue
                # A number stands for one message, even if it makes that a bit longer than packed.
                number = f"again.{job.job}.{job.part}.{first_number + len(numbers)}"
                numbers.append(number)
                message = Message(export, part, queued_ms=now_ms, number=number)
                self._changes.send([encode(replace(message, run=run)) for run in job.runs], delay_s)
        return numbers
