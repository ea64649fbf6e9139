"""SendGrid's import job, and the queues that confirm writes to."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.confirm.consequences import MAX_ATTEMPTS, ConfirmDelays
from functions.confirm.follow import ImportJobFollower
from functions.confirm.follow_ups import FollowUps
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage
from lytics_sendgrid.sendgrid.import_job import Job
from lytics_sendgrid.tables.exports import RUN_KEPT_S
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue

SENT_MS = 1_700_000_000_000
JOB = ImportMessage(
    "default",
    "job-1",
    SENT_MS,
    (),
    {
        "ann@example.org": ImportedContact("newsletter", "0a"),
        "bob@example.com": ImportedContact("newsletter", "0b"),
    },
)


def queued(queue: Queue) -> list[tuple[Message, float]]:
    """Return the change messages on a queue, with their delays in seconds."""
    return [(decode(body), delay_s) for delay_s, body in queue.sent]


@dataclass
class Scene:
    """SendGrid's import job, and the queues that confirm writes to."""

    job: Job | Exception
    file: Iterable[bytes] | Exception = ()
    after_s: float = 60.0
    confirm_s: int = 60
    imports: Queue = field(default_factory=lambda: Queue("imports"))
    parked: Queue = field(default_factory=lambda: Queue("parked"))
    changes: Queue = field(default_factory=lambda: Queue("changes"))
    dynamodb: DynamoDb = field(default_factory=DynamoDb)

    @property
    def recorded(self) -> list[tuple[str, str, tuple[int, int], Mapping[str, Any], int]]:
        """Each recorded end of a job: run, job, part of how many, outcome, time."""
        records = []
        for (pk, sk), item in self.dynamodb.exports.items.items():
            outcome = json.loads(item["doc"]["S"])
            _, job, part = sk.split("#")
            now_s = int(item["expires_epoch_s"]["N"]) - RUN_KEPT_S
            records.append((pk.removeprefix("run#"), job, (int(part), outcome.pop("parts")), outcome, now_s))
        return records

    def follower(self) -> ImportJobFollower:
        jobs, scene = self.job, self

        class Jobs:
            def job(self, job_id: str) -> Job:
                assert job_id == "job-1"
                if isinstance(jobs, Exception):
                    raise jobs
                return jobs

            def errors_file(self, url: str) -> Iterable[bytes]:
                assert url == "https://errors"
                if isinstance(scene.file, Exception):
                    raise scene.file
                yield from scene.file

        clock = ManualClock(SENT_MS / 1000 + self.after_s)
        return ImportJobFollower(
            jobs=lambda authorization: Jobs() if authorization == "default" else pytest.fail(authorization),
            runs=exports_table(self.dynamodb),
            imports=queue_writer(self.imports)[0],
            follow_ups=FollowUps(queue_writer(self.changes)[0], queue_writer(self.parked)[0], clock),
            delays=ConfirmDelays(confirm_s=self.confirm_s, refresh_s=900),
            clock=clock,
        )


def tried(email: str, attempt: int = MAX_ATTEMPTS - 1) -> dict[str, ImportedContact]:
    return {email: ImportedContact("newsletter", f"0{email[0]}", attempt)}
