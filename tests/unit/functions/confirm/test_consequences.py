"""What must follow the end of an import job: rejects, refreshes, and contacts to park."""

from dataclasses import replace
from typing import Any

import pytest

from functions.confirm.consequences import MAX_ATTEMPTS
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.queues.imports import ImportedContact, import_from
from lytics_sendgrid.sendgrid.import_job import Job
from tests.unit.functions.confirm.follow_scene import JOB, SENT_MS, Scene, queued, tried


def test_late_job_refreshes_its_contacts() -> None:
    late = Scene(Job("completed", finished_s=SENT_MS / 1000 + 901), after_s=1_000)
    assert late.follower().follow(JOB).counts == {"refreshed": 2}
    [(message, delay_s)] = queued(late.changes)
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
    rejects, refreshes = [message.changes for message, _ in queued(scene.changes)]
    assert [change.kind for change in rejects] == [Kind.REJECT]
    assert {(change.kind, change.job) for change in refreshes} == {(Kind.REFRESH, "job-1")}


def test_bad_row_of_errored_job_becomes_a_reject() -> None:
    scene = Scene(
        Job("errored", {"errored": 1}, "https://errors"), [b"email,error\nANN@example.org,bad date\n"]
    )
    followed = scene.follower().follow(JOB)
    assert followed.counts == {"errored": 1, "rejected": 1}
    [(message, delay_s)] = queued(scene.changes)
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
    [(message, delay_s)] = queued(scene.changes)
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
        for message, _ in queued(scene.changes)
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
    again = [one for message, _ in queued(scene.changes) for one in message.changes if one.attempt]
    assert [change.email.partition("@")[0] for change in again] == refreshed


@pytest.mark.parametrize("status", ["failed", "errored"])
def test_contacts_refused_by_a_full_account_are_parked_not_rejected(status: str) -> None:
    file = [b"email,error\nann@example.org,You have hit your contact limit\nbob@example.com,bad date\n"]
    scene = Scene(Job(status, {"errored": 2}, "https://errors"), file)
    contacts = tried("ann@example.org") | tried("bob@example.com")
    result = scene.follower().follow(replace(JOB, contacts=contacts))
    assert (result.counts["rejected"], result.counts["parked"]) == (1, 1)
    [(message, _)] = queued(scene.changes)
    assert [change.email for change in message.changes] == ["bob@example.com"]
    [(_, body)] = scene.parked.sent
    assert list(import_from(body).contacts) == ["ann@example.org"]
    assert "no room for more contacts" in body


def test_contacts_refused_by_a_full_account_are_resent_first() -> None:
    file = [b"ann@example.org,You have hit your contact limit\n"]
    scene = Scene(Job("errored", {"errored": 1}, "https://errors"), file)
    result = scene.follower().follow(JOB)
    [(message, delay_s)] = queued(scene.changes)
    assert [(one.kind, one.email, one.attempt) for one in message.changes] == [
        (Kind.REFRESH, "ann@example.org", 1)
    ]
    assert (delay_s, result.confirmed) == (60, 1)


def test_rows_of_other_parts_are_ignored() -> None:
    file = [b"ann@example.org,bad date\nsomebody@example.com,bad date\n"]
    scene = Scene(Job("errored", {"errored": 2}, "https://errors"), file)
    followed = scene.follower().follow(replace(JOB, part=1, parts=2))
    assert followed.counts == {"errored": 2, "rejected": 1}


def test_row_that_fails_alone_on_last_attempt_is_rejected() -> None:
    scene = Scene(Job("failed", {}, "https://errors"), [b"email,error\nann@example.org,bad date\n"])
    result = scene.follower().follow(replace(JOB, contacts=tried("ann@example.org")))
    assert result.counts == {"rejected": 1}
    [(message, _)] = queued(scene.changes)
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
    rejects, refreshes = [message for message, _ in queued(scene.changes)]
    assert [change.email for change in rejects.changes] == ["ann@example.org"]
    assert [(change.email, change.attempt) for change in refreshes.changes] == [
        ("bob@example.com", MAX_ATTEMPTS - 1)
    ]
    [(_, parked)] = scene.parked.sent
    assert list(import_from(parked).contacts) == ["cy@example.com"]


def test_failed_job_of_ten_named_rows_rejects_all_on_last_attempt() -> None:
    emails = [f"{number}@example.org" for number in range(10)]
    file = "".join(f"{email},bad date\n" for email in emails).encode()
    scene = Scene(Job("failed", {}, "https://errors"), [file])
    contacts = {email: carried for one in emails for email, carried in tried(one).items()}
    assert scene.follower().follow(replace(JOB, contacts=contacts)).counts == {"rejected": 10}


def test_contacts_of_failed_jobs_are_resent_with_backoff_then_parked() -> None:
    followed, delays = JOB, []
    for attempt in range(1, MAX_ATTEMPTS):
        scene = Scene(Job("failed", {"requested": 2}))
        result = scene.follower().follow(followed)
        assert result.counts == {"requested": 2, "refreshed": 2}
        [(message, delay_s)] = queued(scene.changes)
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
    [(delay_s, body)] = scene.parked.sent
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
    [(_, body)] = scene.parked.sent
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
    [(message, delay_s)] = queued(scene.changes)
    assert {change.time_ns for change in message.changes} == {SENT_MS * 1_000_000}
    assert delay_s == 900
    assert not scene.imports.sent
