"""Each import job is followed to its end; follow-ups are queued before its message is acknowledged."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from functions.confirm.follow import MAX_POLLS
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.errors import KeyRefused, RequestRefused, RetryLater
from lytics_sendgrid.queues.imports import ImportMessage, import_from
from lytics_sendgrid.sendgrid.import_job import Job, job_from
from tests.unit.functions.confirm.follow_scene import JOB, SENT_MS, Scene, queued, tried


def test_pending_job_is_polled_with_backoff() -> None:
    delays = []
    followed = JOB
    for _ in range(12):
        scene = Scene(Job("pending"))
        assert scene.follower().follow(followed).status == "pending"
        [(delay_s, body)] = scene.imports.sent
        followed = import_from(body)
        delays.append(delay_s)
    assert followed == replace(JOB, polls=12)
    assert delays == [60, 120, 120, 240, 240, 480, 480, 900, 900, 900, 900, 900]


def test_poll_delay_stops_growing_at_64_times_the_first() -> None:
    scene = Scene(Job("pending"), confirm_s=5)
    scene.follower().follow(replace(JOB, polls=40))
    [(delay_s, _)] = scene.imports.sent
    assert delay_s == 320


def test_completed_job_is_recorded_and_needs_no_follow_up() -> None:
    scene = Scene(Job("completed", {"updated": 2}))
    followed = scene.follower().follow(replace(JOB, runs=("r1", "r2"), part=2, parts=3))
    assert followed.fault == ""
    outcome = {"status": "completed", "updated": 2, "confirmed": 2}
    now_s = SENT_MS // 1000 + 60
    assert scene.recorded == [
        ("r1", "job-1", (2, 3), outcome, now_s),
        ("r2", "job-1", (2, 3), outcome, now_s),
    ]
    assert not scene.changes.sent
    assert not scene.imports.sent


def test_rows_read_before_the_errors_file_was_refused_are_kept() -> None:
    def file() -> Iterable[bytes]:
        yield b"ann@example.org,bad date\n"
        raise RequestRefused("a file is larger than it may be")

    scene = Scene(Job("errored", {}, "https://errors"), file())
    assert scene.follower().follow(JOB).counts == {"rejected": 1, "unread": 1, "refreshed": 1}
    [(rejects, _), (refreshes, _)] = queued(scene.changes)
    assert [(change.kind, change.email) for change in rejects.changes] == [(Kind.REJECT, "ann@example.org")]
    assert [(change.kind, change.email) for change in refreshes.changes] == [
        (Kind.REFRESH, "bob@example.com")
    ]


def test_interrupted_errors_file_puts_the_job_off() -> None:
    scene = Scene(Job("errored", {}, "https://errors"), RetryLater("broke off"))
    result = scene.follower().follow(replace(JOB, runs=("r1",)))
    assert (result.status, result.fault) == ("put_off", "broke off")
    [(delay_s, body)] = scene.imports.sent
    assert import_from(body) == replace(JOB, runs=("r1",), polls=1)
    assert delay_s == 60
    assert not scene.recorded
    assert not scene.changes.sent


def test_unanswered_poll_is_repeated_with_backoff() -> None:
    followed, delays = JOB, []
    for _ in range(8):
        scene = Scene(Job("errored", {}, "https://errors"), RetryLater("away"))
        assert scene.follower().follow(followed).fault == "away"
        [(delay_s, body)] = scene.imports.sent
        followed = import_from(body)
        delays.append(delay_s)
    assert delays == [60, 120, 120, 240, 240, 480, 480, 900]


@pytest.mark.parametrize(("asked_s", "delay_s"), [(5.0, 60), (299.5, 300), (9_000.0, 900)])
def test_poll_waits_as_long_as_sendgrid_asks(asked_s: float, delay_s: int) -> None:
    scene = Scene(RetryLater("429", asked_s))
    scene.follower().follow(JOB)
    assert [delay for delay, _ in scene.imports.sent] == [delay_s]


def test_refused_key_puts_the_job_off() -> None:
    scene = Scene(KeyRefused("401"))
    assert scene.follower().follow(JOB).fault == "401"
    [(delay_s, body)] = scene.imports.sent
    assert (import_from(body), delay_s) == (replace(JOB, polls=1), 60)


@pytest.mark.parametrize("error", [RetryLater("away"), KeyRefused("401")])
def test_job_put_off_for_days_is_left_for_the_dead_letter_queue(error: Exception) -> None:
    scene = Scene(error)
    with pytest.raises(type(error)):
        scene.follower().follow(replace(JOB, polls=MAX_POLLS))
    assert not scene.imports.sent


def test_put_off_does_not_poll() -> None:
    scene = Scene(Job("failed"))
    assert scene.follower().put_off(JOB, "no time").fault == "no time"
    [(_, body)] = scene.imports.sent
    assert import_from(body) == replace(JOB, polls=1)
    assert not scene.changes.sent


def test_errors_file_of_failed_job_is_not_read_before_last_attempt() -> None:
    scene = Scene(Job("failed", {}, "https://errors"), AssertionError("not to be downloaded"))
    assert scene.follower().follow(JOB).counts == {"refreshed": 2}


@pytest.mark.parametrize(
    ("job", "followed"),
    [
        (Job("failed", {}, None), replace(JOB, contacts=tried("ann@example.org"))),
        (Job("failed", {}, "https://errors"), replace(JOB, contacts=tried("ann@example.org"), parts=2)),
        (
            Job("failed", {}, "https://errors"),
            replace(JOB, contacts={k: v for n in range(11) for k, v in tried(f"{n}@example.org").items()}),
        ),
    ],
)
def test_large_or_unexplained_failed_job_rejects_nobody(job: Job, followed: ImportMessage) -> None:
    scene = Scene(job, AssertionError("not to be downloaded"))
    result = scene.follower().follow(followed)
    assert result.counts == {"parked": len(followed.contacts)}
    assert not scene.changes.sent


def test_job_that_never_ends_is_abandoned_but_still_polled() -> None:
    scene = Scene(Job("pending"), after_s=7_200.0)
    assert scene.follower().follow(replace(JOB, runs=("r1",), polls=20)).status == "abandoned"
    [(message, delay_s)] = queued(scene.changes)
    assert {change.time_ns for change in message.changes} == {(SENT_MS + 7_200_000) * 1_000_000}
    assert delay_s == 900
    assert [run for run, *_ in scene.recorded] == ["r1"]
    [(delay_s, body)] = scene.imports.sent
    abandoned = import_from(body)
    assert abandoned == replace(JOB, polls=21, abandoned=True)
    assert delay_s == 900

    later = Scene(Job("pending"), after_s=86_000.0)
    assert later.follower().follow(abandoned).status == "abandoned"
    assert [import_from(body) for _, body in later.imports.sent] == [replace(abandoned, polls=22)]
    assert not later.changes.sent
    over = Scene(Job("pending"), after_s=86_400.0)
    assert over.follower().follow(abandoned).status == "abandoned"
    assert not over.imports.sent
    assert not over.changes.sent


@pytest.mark.parametrize("status", ["completed", "errored"])
def test_abandoned_job_that_ends_refreshes_its_contacts(status: str) -> None:
    scene = Scene(
        Job(status, {"errored": 1}, "https://errors"), [b"ann@example.org,bad date\n"], after_s=9_000.0
    )
    scene.follower().follow(replace(JOB, abandoned=True))
    *rejects, (message, delay_s) = queued(scene.changes)
    assert [change.email for one, _ in rejects for change in one.changes] == ["ann@example.org"] * len(
        rejects
    )
    assert len(rejects) == (status == "errored")
    assert {(change.kind, change.job) for change in message.changes} == {(Kind.REFRESH, "job-1")}
    assert {change.time_ns for change in message.changes} == {(SENT_MS + 9_000_000) * 1_000_000}
    assert delay_s == 0
    assert not scene.imports.sent


def test_abandoned_job_rejects_nobody_for_a_full_account() -> None:
    file = [b"ann@example.org,You have hit your contact limit\nbob@example.com,bad date\n"]
    scene = Scene(Job("errored", {"errored": 2}, "https://errors"), file, after_s=9_000.0)
    scene.follower().follow(replace(JOB, abandoned=True))
    changes = [change for message, _ in queued(scene.changes) for change in message.changes]
    assert [change.email for change in changes if change.kind is Kind.REJECT] == ["bob@example.com"]
    assert [change.email for change in changes if change.kind is Kind.REFRESH] == list(JOB.contacts)


def test_abandoned_job_without_errors_file_rejects_nobody() -> None:
    scene = Scene(Job("errored", {"errored": 1}), after_s=9_000.0)
    result = scene.follower().follow(replace(JOB, abandoned=True))
    assert result.counts == {"errored": 1, "unread": 1, "rejected": 0, "refreshed": 2}


@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_abandoned_job_that_failed_needs_no_follow_up(status: str) -> None:
    scene = Scene(Job(status), after_s=9_000.0)
    scene.follower().follow(replace(JOB, abandoned=True))
    assert not scene.changes.sent
    assert not scene.imports.sent
    assert not scene.parked.sent


def test_undocumented_status_is_polled_and_reported() -> None:
    scene = Scene(job_from({"status": "in_progress", "results": {"updated_count": 1}}))
    outcome = scene.follower().follow(JOB)
    assert (outcome.status, outcome.undocumented) == ("pending", "in_progress")
    assert len(scene.imports.sent) == 1
    assert not scene.changes.sent


def test_undocumented_status_is_abandoned_like_pending() -> None:
    scene = Scene(job_from({"status": "in_progress"}), after_s=7_200.0)
    outcome = scene.follower().follow(JOB)
    assert (outcome.status, outcome.undocumented) == ("abandoned", "in_progress")
    assert [import_from(body).abandoned for _, body in scene.imports.sent] == [True]


def test_undocumented_end_reads_the_errors_file() -> None:
    results = {"requested_count": 2, "updated_count": 1, "errored_count": 1, "errors_url": "https://errors"}
    job = job_from({"status": "partial", "finished_at": "2023-11-14T22:14:00Z", "results": results})
    scene = Scene(job, [b"ann@example.org,bad date\n"])
    outcome = scene.follower().follow(JOB)
    assert (outcome.status, outcome.undocumented, outcome.confirmed) == ("errored", "partial", 1)
    assert outcome.counts["rejected"] == 1
