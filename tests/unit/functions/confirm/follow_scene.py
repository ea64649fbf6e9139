"""SendGrid's import job, and the queues that confirm writes to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.confirm.consequences import MAX_ATTEMPTS, Delays
from functions.confirm.follow import ImportJobFollower
from functions.confirm.follow_ups import FollowUps
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage
from lytics_sendgrid.sendgrid.import_job import Job
from tests.clock import ManualClock

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


@dataclass
class Queue:
    """Records each message with its delay."""

    sent: list[tuple[str, int]] = field(default_factory=list)

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        self.sent += [(body, delay_s) for body in bodies]

    def messages(self) -> list[tuple[Message, int]]:
        return [(decode(body), delay_s) for body, delay_s in self.sent]


@dataclass
class Scene:
    """SendGrid's import job, and the queues that confirm writes to."""

    job: Job | Exception
    file: Iterable[bytes] | Exception = ()
    after_s: float = 60.0
    confirm_s: int = 60
    imports: Queue = field(default_factory=Queue)
    parked: Queue = field(default_factory=Queue)
    changes: Queue = field(default_factory=Queue)
    recorded: list[tuple[str, str, tuple[int, int], Mapping[str, Any], int]] = field(default_factory=list)

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

        class Runs:
            def record_job(
                self, run: str, job: str, part_of: tuple[int, int], outcome: Mapping[str, Any], now_s: int
            ) -> None:
                scene.recorded.append((run, job, part_of, outcome, now_s))

        clock = ManualClock(SENT_MS / 1000 + self.after_s)
        return ImportJobFollower(
            jobs=lambda authorization: Jobs() if authorization == "default" else pytest.fail(authorization),
            runs=Runs(),
            imports=self.imports,
            follow_ups=FollowUps(self.changes, self.parked, clock),
            delays=Delays(confirm_s=self.confirm_s, refresh_s=900),
            clock=clock,
        )


def tried(email: str, attempt: int = MAX_ATTEMPTS - 1) -> dict[str, ImportedContact]:
    return {email: ImportedContact("newsletter", f"0{email[0]}", attempt)}
