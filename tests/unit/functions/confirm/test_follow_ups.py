"""Follow-ups are queued in messages that a run can wait for."""

from dataclasses import replace

import pytest

from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.queues.imports import ImportedContact
from lytics_sendgrid.sendgrid.import_job import Job
from tests.unit.functions.confirm.follow_scene import JOB, SENT_MS, Scene, queued


def test_each_run_of_a_job_gets_its_own_messages() -> None:
    scene = Scene(Job("failed"))
    followed = scene.follower().follow(replace(JOB, runs=("r1", "r2")))
    messages = [message for message, _ in queued(scene.changes)]
    assert [message.run for message in messages] == ["r1", "r2"]
    assert [message.number for message in messages] == list(followed.again) * 2
    assert [outcome["again"] for _, _, _, outcome, _ in scene.recorded] == [list(followed.again)] * 2


def test_run_waits_for_rejects_of_its_job() -> None:
    scene = Scene(Job("errored", {"errored": 1}, "https://errors"), [b"ann@example.org,bad date\n"])
    followed = scene.follower().follow(replace(JOB, runs=("r1",)))
    [(message, _)] = queued(scene.changes)
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
    [(message, _)] = queued(scene.changes)
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
    messages = [message for message, _ in queued(scene.changes)]
    assert [message.number for message in messages if message.run] == list(followed.again)
    assert bool(followed.again) == bool(runs)
    assert [change.email for message in messages for change in message.changes] == list(contacts)


def test_long_reject_reasons_keep_one_message_per_number() -> None:
    emails = [f"{number}@example.org" for number in range(900)]
    file = "".join(f"{email},{'日' * 300}\n" for email in emails).encode()
    scene = Scene(Job("errored", {"errored": 900}, "https://errors"), [file])
    contacts = {email: ImportedContact("newsletter", "0a") for email in emails}
    followed = scene.follower().follow(replace(JOB, runs=("r1", "r2"), contacts=contacts))
    messages = [message for message, _ in queued(scene.changes)]
    assert sorted((message.run, message.number) for message in messages) == [
        (run, number) for run in ("r1", "r2") for number in sorted(followed.again)
    ]
    carried = [change.email for message in messages for change in message.changes if message.run == "r1"]
    assert carried == emails
    assert max(len(body) for _, body in scene.changes.sent) < 1_000_000
