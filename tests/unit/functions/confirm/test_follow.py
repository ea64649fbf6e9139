"""Each import job is followed to its end, and what it leaves to do is queued before its message goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from functions.confirm.consequences import MAX_ATTEMPTS, Delays
from functions.confirm.follow import MAX_POLLS, ImportJobFollower
from functions.confirm.follow_ups import FollowUps
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.errors import KeyRefused, RequestRefused, RetryLater
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage, import_from
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
    """Keeps what is sent, with its delay."""

    sent: list[tuple[str, int]] = field(default_factory=list)

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        self.sent += [(body, delay_s) for body in bodies]

    def messages(self) -> list[tuple[Message, int]]:
        return [(decode(body), delay_s) for body, delay_s in self.sent]


@dataclass
class Scene:
    """SendGrid's jobs and the queues around confirm."""

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


def test_pending_job_is_polled_with_backoff() -> None:
    delays = []
    followed = JOB
    for _ in range(12):
        scene = Scene(Job("pending"))
        assert scene.follower().follow(followed).status == "pending"
        [(body, delay_s)] = scene.imports.sent
        followed = import_from(body)
        delays.append(delay_s)
    assert followed == replace(JOB, polls=12)
    assert delays == [60, 120, 120, 240, 240, 480, 480, 900, 900, 900, 900, 900]


def test_poll_delay_stops_growing_at_64_times_the_first() -> None:
    scene = Scene(Job("pending"), confirm_s=5)
    scene.follower().follow(replace(JOB, polls=40))
    [(_, delay_s)] = scene.imports.sent
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


def test_late_job_refreshes_its_contacts() -> None:
    late = Scene(Job("completed", finished_s=SENT_MS / 1000 + 901), after_s=1_000)
    assert late.follower().follow(JOB).counts == {"refreshed": 2}
    [(message, delay_s)] = late.changes.messages()
    assert delay_s == 0
    stamp_ns = (SENT_MS + 1_000_000) * 1_000_000
    assert message.changes == tuple(
        Change(email, stamp_ns, Kind.REFRESH, row=carried.row, job="job-1")
        for email, carried in JOB.contacts.items()
    )
    in_time = Scene(Job("completed", finished_s=SENT_MS / 1000 + 900), after_s=1_000)
    in_time.follower().follow(JOB)
    assert not in_time.changes.sent


def test_late_errored_job_rejects_bad_rows_and_refreshes_all() -> None:
    file = [b"ann@example.org,bad date\n"]
    scene = Scene(Job("errored", {"errored": 1}, "https://errors"), file, after_s=1_000)
    result = scene.follower().follow(JOB)
    assert result.counts == {"errored": 1, "rejected": 1, "refreshed": 2}
    rejects, refreshes = [message.changes for message, _ in scene.changes.messages()]
    assert [change.kind for change in rejects] == [Kind.REJECT]
    assert {(change.kind, change.job) for change in refreshes} == {(Kind.REFRESH, "job-1")}


def test_bad_row_of_errored_job_becomes_a_reject() -> None:
    scene = Scene(
        Job("errored", {"errored": 1}, "https://errors"), [b"email,error\nANN@example.org,bad date\n"]
    )
    followed = scene.follower().follow(JOB)
    assert followed.counts == {"errored": 1, "rejected": 1}
    [(message, delay_s)] = scene.changes.messages()
    assert (message.export, delay_s) == ("newsletter", 0)
    now_ns = SENT_MS * 1_000_000 + 60_000_000_000
    assert message.changes == (Change("ann@example.org", now_ns, Kind.REJECT, row="0a", reason="bad date"),)


@pytest.mark.parametrize(
    ("job", "file"),
    [
        (Job("errored", {"errored": 1}), ()),
        (Job("errored", {"errored": 1}, "https://errors"), RequestRefused("a file is not there: 403")),
    ],
)
def test_job_without_readable_errors_file_is_treated_as_failed(job: Job, file: Any) -> None:
    scene = Scene(job, file)
    followed = scene.follower().follow(replace(JOB, runs=("r1",)))
    assert followed.counts == {"errored": 1, "unread": 1, "rejected": 0, "refreshed": 2}
    assert scene.recorded[0][3]["unread"] == 1
    [(message, delay_s)] = scene.changes.messages()
    assert delay_s == 60
    assert {(change.kind, change.attempt) for change in message.changes} == {(Kind.REFRESH, 1)}


@pytest.mark.parametrize(
    "file",
    [b"row,error\n7,bad date\n8,bad date\n", b"ann@example.org,bad date\nB-b@example.com,bad date\n", b""],
)
def test_bad_rows_without_our_address_make_the_job_unread(file: bytes) -> None:
    scene = Scene(Job("errored", {"errored": 2}, "https://errors"), [file])
    followed = scene.follower().follow(JOB)
    assert followed.counts["unread"] == 1
    named = {"ann@example.org"} if b"ann" in file else set()
    refreshed = {
        change.email
        for message, _ in scene.changes.messages()
        for change in message.changes
        if change.kind is Kind.REFRESH
    }
    assert refreshed == JOB.contacts.keys() - named


def test_errored_job_without_count_has_at_least_one_bad_row() -> None:
    listed = Scene(Job("errored", {}, "https://errors"), [b"ann@example.org,bad date\n"])
    result = listed.follower().follow(JOB)
    assert (result.counts, result.confirmed) == ({"rejected": 1}, 1)
    nobody = Scene(Job("errored", {}, "https://errors"), [b"email,error\n"])
    assert nobody.follower().follow(JOB).counts == {"rejected": 0, "unread": 1, "refreshed": 2}


@pytest.mark.parametrize(
    ("words", "refreshed"), [("bad number", ["bob"]), ("you have hit your contact limit", ["ann", "bob"])]
)
def test_two_records_of_one_contact_count_as_one_bad_row(words: str, refreshed: list[str]) -> None:
    file = [f"ann@example.org,bad date\nann@example.org,{words}\n".encode()]
    scene = Scene(Job("errored", {"errored": 2}, "https://errors"), file)
    result = scene.follower().follow(JOB)
    counts = {"errored": 2, "rejected": 1, "unread": 1, "refreshed": len(refreshed)}
    assert (result.counts, result.confirmed) == (counts, 0)
    again = [one for message, _ in scene.changes.messages() for one in message.changes if one.attempt]
    assert [change.email.partition("@")[0] for change in again] == refreshed


@pytest.mark.parametrize("status", ["failed", "errored"])
def test_contacts_refused_by_a_full_account_are_parked_not_rejected(status: str) -> None:
    file = [b"email,error\nann@example.org,You have hit your contact limit\nbob@example.com,bad date\n"]
    scene = Scene(Job(status, {"errored": 2}, "https://errors"), file)
    contacts = tried("ann@example.org") | tried("bob@example.com")
    result = scene.follower().follow(replace(JOB, contacts=contacts))
    assert (result.counts["rejected"], result.counts["parked"]) == (1, 1)
    [(message, _)] = scene.changes.messages()
    assert [change.email for change in message.changes] == ["bob@example.com"]
    [(body, _)] = scene.parked.sent
    assert list(import_from(body).contacts) == ["ann@example.org"]
    assert "no room for more contacts" in body


def test_contacts_refused_by_a_full_account_are_resent_first() -> None:
    file = [b"ann@example.org,You have hit your contact limit\n"]
    scene = Scene(Job("errored", {"errored": 1}, "https://errors"), file)
    result = scene.follower().follow(JOB)
    [(message, delay_s)] = scene.changes.messages()
    assert [(one.kind, one.email, one.attempt) for one in message.changes] == [
        (Kind.REFRESH, "ann@example.org", 1)
    ]
    assert (delay_s, result.confirmed) == (60, 1)


def test_rows_of_other_parts_are_ignored() -> None:
    file = [b"ann@example.org,bad date\nsomebody@example.com,bad date\n"]
    scene = Scene(Job("errored", {"errored": 2}, "https://errors"), file)
    followed = scene.follower().follow(replace(JOB, part=1, parts=2))
    assert followed.counts == {"errored": 2, "rejected": 1}


def test_rows_read_before_the_errors_file_was_refused_are_kept() -> None:
    def file() -> Iterable[bytes]:
        yield b"ann@example.org,bad date\n"
        raise RequestRefused("a file is larger than it may be")

    scene = Scene(Job("errored", {}, "https://errors"), file())
    assert scene.follower().follow(JOB).counts == {"rejected": 1, "unread": 1, "refreshed": 1}
    [(rejects, _), (refreshes, _)] = scene.changes.messages()
    assert [(change.kind, change.email) for change in rejects.changes] == [(Kind.REJECT, "ann@example.org")]
    assert [(change.kind, change.email) for change in refreshes.changes] == [
        (Kind.REFRESH, "bob@example.com")
    ]


def test_interrupted_errors_file_puts_the_job_off() -> None:
    scene = Scene(Job("errored", {}, "https://errors"), RetryLater("broke off"))
    result = scene.follower().follow(replace(JOB, runs=("r1",)))
    assert (result.status, result.fault) == ("put_off", "broke off")
    [(body, delay_s)] = scene.imports.sent
    assert import_from(body) == replace(JOB, runs=("r1",), polls=1)
    assert delay_s == 60
    assert not scene.recorded
    assert not scene.changes.sent


def test_unanswered_poll_is_repeated_with_backoff() -> None:
    followed, delays = JOB, []
    for _ in range(8):
        scene = Scene(Job("errored", {}, "https://errors"), RetryLater("away"))
        assert scene.follower().follow(followed).fault == "away"
        [(body, delay_s)] = scene.imports.sent
        followed = import_from(body)
        delays.append(delay_s)
    assert delays == [60, 120, 120, 240, 240, 480, 480, 900]


def test_refused_key_puts_the_job_off() -> None:
    scene = Scene(KeyRefused("401"))
    assert scene.follower().follow(JOB).fault == "401"
    [(body, delay_s)] = scene.imports.sent
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
    [(body, _)] = scene.imports.sent
    assert import_from(body) == replace(JOB, polls=1)
    assert not scene.changes.sent


def tried(email: str, attempt: int = MAX_ATTEMPTS - 1) -> dict[str, ImportedContact]:
    return {email: ImportedContact("newsletter", f"0{email[0]}", attempt)}


def test_row_that_fails_alone_on_last_attempt_is_rejected() -> None:
    scene = Scene(Job("failed", {}, "https://errors"), [b"email,error\nann@example.org,bad date\n"])
    result = scene.follower().follow(replace(JOB, contacts=tried("ann@example.org")))
    assert result.counts == {"rejected": 1}
    [(message, _)] = scene.changes.messages()
    [change] = message.changes
    assert (change.kind, change.row, change.reason) == (Kind.REJECT, "0a", "bad date")
    assert not scene.parked.sent


def test_small_failed_job_rejects_only_named_rows_on_last_attempt() -> None:
    scene = Scene(
        Job("failed", {}, "https://errors"),
        [b"email,error\nann@example.org,bad date\nbob@example.com,bad date\n"],
    )
    contacts = tried("ann@example.org") | tried("bob@example.com", MAX_ATTEMPTS - 2) | tried("cy@example.com")
    result = scene.follower().follow(replace(JOB, contacts=contacts))
    assert result.counts == {"rejected": 1, "refreshed": 1, "parked": 1}
    rejects, refreshes = [message for message, _ in scene.changes.messages()]
    assert [change.email for change in rejects.changes] == ["ann@example.org"]
    assert [(change.email, change.attempt) for change in refreshes.changes] == [
        ("bob@example.com", MAX_ATTEMPTS - 1)
    ]
    [(parked, _)] = scene.parked.sent
    assert list(import_from(parked).contacts) == ["cy@example.com"]


def test_failed_job_of_ten_named_rows_rejects_all_on_last_attempt() -> None:
    emails = [f"{number}@example.org" for number in range(10)]
    file = "".join(f"{email},bad date\n" for email in emails).encode()
    scene = Scene(Job("failed", {}, "https://errors"), [file])
    contacts = {email: carried for one in emails for email, carried in tried(one).items()}
    assert scene.follower().follow(replace(JOB, contacts=contacts)).counts == {"rejected": 10}


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


def test_contacts_of_failed_jobs_are_resent_with_backoff_then_parked() -> None:
    followed, delays = JOB, []
    for attempt in range(1, MAX_ATTEMPTS):
        scene = Scene(Job("failed", {"requested": 2}))
        result = scene.follower().follow(followed)
        assert result.counts == {"requested": 2, "refreshed": 2}
        [(message, delay_s)] = scene.changes.messages()
        assert {change.attempt for change in message.changes} == {attempt}
        assert {change.time_ns for change in message.changes} == {SENT_MS * 1_000_000}
        assert message.queued_ms == SENT_MS + 60_000
        delays.append(delay_s)
        followed = replace(
            JOB, contacts={e: replace(carried, attempt=attempt) for e, carried in JOB.contacts.items()}
        )
    assert delays == [60, 120, 240, 480, 900]
    scene = Scene(Job("failed"))
    assert scene.follower().follow(followed).counts == {"parked": 2}
    assert not scene.changes.sent
    [(body, delay_s)] = scene.parked.sent
    assert "SendGrid failed the import job, 6 times in a row; redrive it" in body
    assert import_from(body) == JOB, "a redriven one is tried from the start"


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Job("errored", {"errored": 1}), "its errors file does not name all of them"),
        (Job("unknown"), "the outcome of SendGrid's import job is unknown: its status is 'unknown'"),
    ],
)
def test_parked_message_says_what_became_of_the_last_job(job: Job, words: str) -> None:
    scene = Scene(job)
    scene.follower().follow(replace(JOB, contacts=tried("ann@example.org")))
    [(body, _)] = scene.parked.sent
    assert f"{words}, 6 times in a row" in body


def test_only_contacts_on_last_attempt_are_parked() -> None:
    often = {**JOB.contacts, "bob@example.com": ImportedContact("newsletter", "0b", MAX_ATTEMPTS - 1)}
    scene = Scene(Job("failed"))
    assert scene.follower().follow(replace(JOB, contacts=often)).counts == {"refreshed": 1, "parked": 1}


@pytest.mark.parametrize(("status", "after_s"), [("unknown", 60.0), ("strange", 60.0)])
def test_contacts_of_unknown_job_are_resent_after_the_refresh_delay(status: str, after_s: float) -> None:
    scene = Scene(Job(status), after_s=after_s)
    result = scene.follower().follow(JOB)
    assert result.status == status
    [(message, delay_s)] = scene.changes.messages()
    assert {change.time_ns for change in message.changes} == {SENT_MS * 1_000_000}
    assert delay_s == 900
    assert not scene.imports.sent


def test_job_that_never_ends_is_abandoned_but_still_polled() -> None:
    scene = Scene(Job("pending"), after_s=7_200.0)
    assert scene.follower().follow(replace(JOB, runs=("r1",), polls=20)).status == "abandoned"
    [(message, delay_s)] = scene.changes.messages()
    assert {change.time_ns for change in message.changes} == {(SENT_MS + 7_200_000) * 1_000_000}
    assert delay_s == 900
    assert [run for run, *_ in scene.recorded] == ["r1"]
    [(body, delay_s)] = scene.imports.sent
    abandoned = import_from(body)
    assert abandoned == replace(JOB, polls=21, abandoned=True)
    assert delay_s == 900

    later = Scene(Job("pending"), after_s=86_000.0)
    assert later.follower().follow(abandoned).status == "abandoned"
    assert [import_from(body) for body, _ in later.imports.sent] == [replace(abandoned, polls=22)]
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
    *rejects, (message, delay_s) = scene.changes.messages()
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
    changes = [change for message, _ in scene.changes.messages() for change in message.changes]
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


def test_each_run_of_a_job_gets_its_own_messages() -> None:
    scene = Scene(Job("failed"))
    followed = scene.follower().follow(replace(JOB, runs=("r1", "r2")))
    messages = [message for message, _ in scene.changes.messages()]
    assert [message.run for message in messages] == ["r1", "r2"]
    assert [message.number for message in messages] == list(followed.again) * 2
    assert [outcome["again"] for _, _, _, outcome, _ in scene.recorded] == [list(followed.again)] * 2


def test_run_waits_for_rejects_of_its_job() -> None:
    scene = Scene(Job("errored", {"errored": 1}, "https://errors"), [b"ann@example.org,bad date\n"])
    followed = scene.follower().follow(replace(JOB, runs=("r1",)))
    [(message, _)] = scene.changes.messages()
    assert (message.changes[0].kind, message.run, [message.number]) == (
        Kind.REJECT,
        "r1",
        list(followed.again),
    )
    assert scene.recorded[0][3]["confirmed"] == 1
    assert "example.org" not in str(scene.recorded), "numbers are kept for weeks and hold no address"


def test_run_waits_for_refreshes_of_its_job() -> None:
    scene = Scene(Job("failed"))
    followed = scene.follower().follow(replace(JOB, runs=("r1",)))
    [(message, _)] = scene.changes.messages()
    assert message.run == "r1"
    assert list(followed.again) == [message.number] == ["again.job-1.1.0"]
    assert message.queued_ms == SENT_MS + 60_000
    assert scene.recorded[0][3]["again"] == [message.number]


@pytest.mark.parametrize("runs", [(), ("r1",)])
def test_many_long_addresses_keep_one_message_per_number(runs: tuple[str, ...]) -> None:
    contacts = {
        f"{number}{'x' * 230}@example.org": ImportedContact("newsletter", "0a") for number in range(4_500)
    }
    scene = Scene(Job("failed"))
    followed = scene.follower().follow(replace(JOB, runs=runs, contacts=contacts))
    messages = [message for message, _ in scene.changes.messages()]
    assert [message.number for message in messages if message.run] == list(followed.again)
    assert bool(followed.again) == bool(runs)
    assert [change.email for message in messages for change in message.changes] == list(contacts)


def test_long_reject_reasons_keep_one_message_per_number() -> None:
    emails = [f"{number}@example.org" for number in range(900)]
    file = "".join(f"{email},{'日' * 300}\n" for email in emails).encode()
    scene = Scene(Job("errored", {"errored": 900}, "https://errors"), [file])
    contacts = {email: ImportedContact("newsletter", "0a") for email in emails}
    followed = scene.follower().follow(replace(JOB, runs=("r1", "r2"), contacts=contacts))
    messages = [message for message, _ in scene.changes.messages()]
    assert sorted((message.run, message.number) for message in messages) == [
        (run, number) for run in ("r1", "r2") for number in sorted(followed.again)
    ]
    carried = [change.email for message in messages for change in message.changes if message.run == "r1"]
    assert carried == emails
    assert max(len(body) for body, _ in scene.changes.sent) < 1_000_000
