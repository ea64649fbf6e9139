"""deliver and confirm together, with their delays on AWS, while SendGrid has trouble for days."""

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from functions.confirm.consequences import MAX_ATTEMPTS, ConfirmDelays
from functions.confirm.follow import ImportJobFollower
from functions.confirm.follow_ups import FollowUps
from functions.deliver.export_views import View
from lytics_sendgrid.domain.run_progress import RunProgress
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.sendgrid.import_job import Job
from tests.doubles.adapters import queue_writer
from tests.doubles.sqs import Queue
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import entering, exit_, message
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, READERS, VIEW
from tests.unit.functions.report.test_reporting import report

HOUR_S = 3_600
ANN, BOB = "ann@example.org", "bob@example.org"


@dataclass
class Days:
    """The scene of deliver with confirm beside it, and queues that respect delays.

    Attributes:
        job_of: returns a job's state, from its id and the seconds since its request.
        file: the lines of each errors file.
    """

    job_of: Callable[[str, float], Job]
    file: str = ""

    def __post_init__(self) -> None:
        self.scene = Scene(VIEW, View(replace(EXPORT, name="shop"), VIEW.form, None))
        self.parked = Queue("parked")
        self._sent_s: dict[str, float] = {}
        self._began_s = self.scene.clock.now_s
        self._waiting: list[tuple[float, int, bool, str]] = []
        self._numbers = itertools.count()
        clock = self.scene.clock
        self._follower = ImportJobFollower(
            jobs=lambda _: self,
            runs=self.scene.exports,
            imports=self.scene.imports_writer,
            follow_ups=FollowUps(self.scene.changes_writer, queue_writer(self.parked)[0], clock),
            delays=ConfirmDelays(confirm_s=60, refresh_s=900),
            clock=clock,
        )

    def job(self, job_id: str) -> Job:
        return self.job_of(job_id, self.scene.clock.now_s - self._sent_s[job_id])

    def errors_file(self, _url: str) -> Iterable[bytes]:
        return [self.file.encode()]

    def pass_until(self, hours: float) -> None:
        """Process every message that is due until then."""
        clock = self.scene.clock
        self._take()
        while self._waiting and self._waiting[0][0] <= self._began_s + hours * HOUR_S:
            due_s, _, is_import, body = heapq.heappop(self._waiting)
            clock.now_s = max(clock.now_s, due_s)
            if is_import:
                followed = import_from(body)
                self._sent_s[followed.job] = followed.sent_ms / 1000
                self._follower.follow(followed)
            else:
                self.scene.deliver(body)
            self._take()
        clock.now_s = self._began_s + hours * HOUR_S

    def _take(self) -> None:
        for queue, is_import in ((self.scene.changes, False), (self.scene.imports, True)):
            for delay_s, body in queue.take_all():
                heapq.heappush(
                    self._waiting,
                    (self.scene.clock.now_s + delay_s, next(self._numbers), is_import, body),
                )

    def progress(self, run: str) -> RunProgress:
        """Return a run's progress."""
        return self.scene.exports.progress(run)

    def is_settled(self, run: str, *numbers: str) -> bool:
        progress = self.progress(run)
        return progress.again.union(numbers) <= progress.numbers and progress.jobs <= progress.ended.keys()

    def report(self, run: str) -> dict[str, Any]:
        progress = self.progress(run)
        return report(counts=progress.counts, jobs=progress.ended)


def completed(after_s: float) -> Callable[[str, float], Job]:
    """Return jobs that complete after some seconds, and name no time."""

    def job_of(_: str, since_s: float) -> Job:
        return Job("completed", {"requested": 1}) if since_s >= after_s else Job("pending")

    return job_of


def test_contact_whose_jobs_always_fail_is_parked_within_hours() -> None:
    days = Days(lambda *_: Job("failed", {"requested": 1}))
    days.scene.deliver(entering([ANN]))
    days.pass_until(24)
    assert len(days.parked.sent) == 1
    assert MAX_ATTEMPTS <= len(days.scene.sendgrid.requests) <= 2 * MAX_ATTEMPTS


def test_job_with_unnamed_bad_rows_is_parked_within_hours() -> None:
    days = Days(lambda *_: Job("errored", {"errored": 1}, "https://errors"), "7,a field is wrong\n")
    days.scene.deliver(entering([ANN, BOB]))
    days.pass_until(24)
    assert len(days.parked.sent) == 1
    assert len(days.scene.sendgrid.requests) <= 2 * MAX_ATTEMPTS


def test_row_that_always_fails_its_job_alone_is_rejected() -> None:
    days = Days(lambda *_: Job("failed", {"errored": 1}, "https://errors"), f"{ANN},a field is wrong\n")
    days.scene.deliver(entering([ANN]))
    days.pass_until(48)
    rejection = days.scene.contact(ANN).rejection
    assert rejection is not None
    assert rejection.reason == "row"
    assert not days.parked.sent


def test_slow_jobs_do_not_resend_forever() -> None:
    days = Days(completed(1_200))
    days.scene.deliver(entering([ANN], run="r1", number="a.0"))
    days.pass_until(24)
    assert len(days.scene.sendgrid.requests) == 1
    assert days.is_settled("r1", "a.0")
    assert days.report("r1")["import_jobs"]["confirmed"] == 1


def test_slow_jobs_of_several_changes_do_not_resend_forever() -> None:
    days = Days(completed(1_200))
    days.scene.deliver(entering([ANN]))
    days.pass_until(1 / 60)
    days.scene.deliver(message(exit_(ANN, 200)))
    days.pass_until(3)
    requests = len(days.scene.sendgrid.requests)
    assert requests <= 6
    days.pass_until(24)
    assert len(days.scene.sendgrid.requests) == requests
    assert not days.scene.contact(ANN).is_in(READERS)


def test_contact_changed_during_slow_job_is_sent_again_when_it_ends() -> None:
    days = Days(lambda job, since_s: completed(3_000 if job == "job1" else 30)(job, since_s))
    days.scene.deliver(entering([ANN]))
    days.pass_until(0.3)
    days.scene.deliver(message(exit_(ANN, 200)))
    days.pass_until(0.8)
    assert len(days.scene.sendgrid.requests) == 2
    days.pass_until(24)
    assert len(days.scene.sendgrid.requests) == 3


def test_job_that_ends_after_two_hours_does_not_win() -> None:
    days = Days(lambda job, since_s: completed(9_600 if job == "job1" else 30)(job, since_s))
    days.scene.deliver(entering([ANN]))
    days.pass_until(0.3)
    days.scene.deliver(message(exit_(ANN, 200)))
    days.pass_until(2.6)
    before = len(days.scene.sendgrid.requests)
    days.pass_until(48)
    assert len(days.scene.sendgrid.requests) == before + 1


def test_two_runs_of_a_failed_job_both_settle() -> None:
    days = Days(lambda job, _: Job("failed" if job == "job1" else "completed", {"requested": 2}))
    days.scene.deliver(
        entering([ANN], run="r1", number="a.0"), entering([BOB], export="shop", run="r2", number="b.0")
    )
    days.pass_until(24)
    assert days.is_settled("r1", "a.0")
    assert days.is_settled("r2", "b.0")


def test_person_counts_once_however_often_the_job_fails() -> None:
    days = Days(lambda job, _: Job("failed" if job == "job1" else "completed", {"requested": 2}))
    days.scene.deliver(entering([ANN, BOB], run="r1", number="a.0"))
    days.pass_until(24)
    assert days.is_settled("r1", "a.0")
    figures = days.report("r1")
    assert figures["people"] == {"accepted": 2, "unchanged": 0, "rejected": {}}
    assert figures["import_jobs"]["confirmed"] == 2


def test_person_in_two_deliveries_of_a_backfill_counts_in_each() -> None:
    days = Days(lambda job, _: Job("completed", {"requested": 1}))
    for number, audience in (("a.0", READERS), ("b.0", BUYERS)):
        (change,) = entering([ANN]).changes
        days.scene.deliver(message(replace(change, audience=audience), run="r1", number=number))
    days.pass_until(24)
    assert days.report("r1")["people"]["accepted"] == 2
    assert days.report("r1")["import_jobs"]["confirmed"] == 2


def test_contact_refused_by_job_is_counted_by_reason_not_as_accepted() -> None:
    days = Days(
        lambda job, _: (
            Job("errored", {"errored": 1}, "https://errors") if job == "job1" else Job("completed", {})
        ),
        f"{ANN},a field is wrong\n",
    )
    days.scene.deliver(entering([ANN, BOB], run="r1", number="a.0"))
    days.pass_until(24)
    assert days.is_settled("r1", "a.0")
    figures = days.report("r1")
    assert figures["people"] == {"accepted": 1, "unchanged": 0, "rejected": {"fields": 1}}
    assert figures["import_jobs"]["rejected"] == 1
