"""The tasks settle and report and the function inspect, from their handlers down, on both twins."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
import requests

from lytics_sendgrid.domain.change import Value
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.contact import Contact, Rejection, encode
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import InputInvalid
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.tables.walks import WalksTable
from tests.contract.export_tasks import RUN, Tasks, tasks_of

NOW_S = int(time.time())
LIVE = {
    "live": True,
    "running": True,
    "job_id": "1" * 32,
    "state": "running",
    "webhook_url": "https://hooks.example.com",
    "paste": None,
    "waited": 0,
}


PASTE: dict[str, Any] = {
    "where": "Lytics",
    "webhook_url": "https://hooks.example.com/lytics/default",
    "http_method": "POST",
    "header": {"name": "X-Lytics-Secret", "value": "in the secret stack/default"},
    "audiences": [{"id": "1" * 32, "name": "First"}],
    "export_fields": ["email"],
    "fields_to_trigger": ["email"],
    "existing_users": False,
    "batch_requests": True,
    "batch_size": 100,
    "batch_flush_duration_s": 1,
    "do_not_retry": [],
    "cloudevents": False,
}


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    with tasks_of(monkeypatch) as deployed:
        deployed.lytics.populate(60, 2, seed=1)
        yield deployed


@pytest.fixture
def state(tasks: Tasks) -> dict[str, Any]:
    """Return the state of a run that is provisioned and live."""
    planned = tasks.plan("high_value_users", "newsletter_readers", custom_fields={"lifetime_value": "ltv"})
    url = "https://hooks.example.com/v1/lytics/default"
    tasks.lytics.seed_job("webhook_triggers", config={"webhook_url": url})
    return {**planned, "provision": tasks.provision(planned), "activation": LIVE}


def scanned(tasks: Tasks, state: dict[str, Any], messages: int) -> None:
    """Write the checkpoints of scans that queued this many messages each."""
    for number, audience in enumerate(state["audiences"]):
        checkpoint = Checkpoint(
            scanned=30,
            without_email=2,
            bad_email=1,
            smallest=30,
            largest=30,
            expected=((f"{number}.a", messages),),
            done=True,
        )
        tasks.exports.put_scan(RUN, audience["id"], checkpoint, NOW_S)


def test_run_settles_when_its_messages_and_jobs_are_done(tasks: Tasks, state: dict[str, Any]) -> None:
    checks = [tasks.settle(state)]
    scanned(tasks, state, messages=2)
    tasks.exports.record_done(RUN, ["0.a.0", "0.a.1", "1.a.0"], ["job-1"], NOW_S, {"accepted": 50})
    checks.append(tasks.settle(state | {"settle": checks[-1]}))
    tasks.exports.record_done(RUN, ["1.a.1"], ["job-2"], NOW_S)
    checks.append(tasks.settle(state | {"settle": checks[-1]}))
    tasks.exports.record_job(RUN, "job-1", (1, 1), {"status": "completed"}, NOW_S)
    tasks.exports.record_job(RUN, "job-2", (1, 1), {"status": "failed"}, NOW_S)
    checks.append(tasks.settle(state | {"settle": checks[-1]}))

    assert [check["settled"] for check in checks] == [False, False, False, True]
    assert [check["messages"] for check in checks[1:]] == [{"done": n, "of": 4} for n in (3, 4, 4)]
    assert [check["jobs"] for check in checks[1:]] == [
        {"done": 0, "of": 1},
        {"done": 0, "of": 2},
        {"done": 2, "of": 2},
    ]


def test_settle_reports_why_the_export_is_stopped(tasks: Tasks, state: dict[str, Any]) -> None:
    tasks.exports.put_stop("default", Stop("a list was gone", 0, 0))
    assert tasks.settle(state)["stop"] == "a list was gone"


def test_run_without_backfill_settles_at_once(tasks: Tasks, state: dict[str, Any]) -> None:
    assert tasks.settle(state | {"backfill": False})["settled"]


def test_report_shows_what_each_side_counts(tasks: Tasks, state: dict[str, Any]) -> None:
    scanned(tasks, state, messages=1)
    tasks.exports.record_done(RUN, ["0.a.0"], ["job-1"], NOW_S, {"accepted": 50, "rejected.address": 4})
    tasks.exports.record_job(
        RUN,
        "job-1",
        (1, 1),
        {
            "status": "errored",
            "requested": 50,
            "created": 40,
            "updated": 9,
            "errored": 1,
            "confirmed": 49,
            "rejected": 1,
        },
        NOW_S,
    )
    (audience, *_) = [audience["id"] for audience in state["audiences"]]
    upsert(tasks, "jane@example.com", {"e1_T": audience})
    tasks.sendgrid.refresh_segments()

    report = tasks.report(state)

    first = report["audiences"][0]
    sizes = {listed.id: len(listed.members) for listed in tasks.lytics.audiences()}
    assert (first["lytics"], first["sendgrid"], first["scanned"]) == (sizes[audience], 1, 30)
    assert (first["without_email"], first["bad_email"], first["queued"]) == (2, 1, 27)
    assert report["people"] == {"accepted": 50, "unchanged": 0, "rejected": {"address": 4}}
    jobs = report["import_jobs"]
    assert (jobs["jobs"], jobs["failed"], jobs["requested"], jobs["errored"], jobs["confirmed"]) == (
        1,
        0,
        50,
        1,
        49,
    )
    assert report["sendgrid_contacts"] == 1
    assert any("every 1 to 24 hours" in note for note in report["notes"])
    assert tasks.exports.report("default", RUN) == json.loads(json.dumps(report))


def test_report_names_a_live_audience_whose_segment_is_gone(tasks: Tasks, state: dict[str, Any]) -> None:
    scanned(tasks, state, messages=1)
    first = state["audiences"][0]["id"]
    present = tasks.exports.account("default").audiences
    assert "failure" not in tasks.report(state)
    sendgrid_at(tasks.sendgrid.url, "SG.full").delete_segment(str(present[first].segment_id))
    failure = tasks.report(state)["failure"]
    assert "'High Value Users': its segment does not exist in SendGrid any more" in failure
    assert "1 audience is in trouble" in failure


def test_drift_names_what_waits_in_the_queues(tasks: Tasks, state: dict[str, Any]) -> None:
    sqs, now_s = boto3.client("sqs"), NOW_S
    for variable, messages in (("CHANGES_DEAD_LETTER_QUEUE_URL", 2), ("REJECTS_QUEUE_URL", 1)):
        for _ in range(messages):
            sqs.send_message(QueueUrl=os.environ[variable], MessageBody="{}")
    HeardTable(boto3.client("dynamodb"), "exports").put_heard("default", 1_795_000_000_000)
    sweep: dict[str, Any] = {"contacts": 9, "expected": []}
    tallies = {state["audiences"][0]["id"]: {"leavers": 1, "suspects": 1}}
    WalksTable(boto3.client("dynamodb"), "exports").put_walk(
        RUN, "sweep", sweep | {"tallies": tallies}, now_s, finished=True
    )
    causes = tasks.report(state)["drift"]["likely_causes"]
    assert [cause.partition(",")[0] for cause in causes] == [
        "the export has no webhook job",
        "2 messages wait in the dead-letter queue of changes",
        "1 message waits in the rejects queue",
    ]


def test_report_ends_the_history_of_its_run(tasks: Tasks, state: dict[str, Any]) -> None:
    history = RunHistory(boto3.client("dynamodb"), "exports")
    (begun,) = history.latest_runs("default", 9)
    scanned(tasks, state, messages=1)
    tasks.exports.record_done(RUN, ["0.a.0"], [], NOW_S, {"accepted": 50, "rejected.address": 4})
    report = tasks.report(state)
    (ended,) = history.latest_runs("default", 9)
    assert (begun.finished_at, ended.finished_at) == (None, report["finished_at"])
    assert (ended.added, ended.rejected, ended.live) == (50, 4, True)
    assert [audience.lytics for audience in ended.audiences] == [a["lytics"] for a in report["audiences"]]


def test_report_says_not_live_and_what_to_paste(tasks: Tasks, state: dict[str, Any]) -> None:
    activation = LIVE | {
        "live": False,
        "job_id": None,
        "paste": PASTE,
    }
    report = tasks.report(state | {"activation": activation, "backfill": False})
    assert not report["live"]
    assert report["notes"][0].startswith("NOT LIVE")
    assert report["activation"]["paste"] == activation["paste"]
    assert report["people"] is None


def test_side_that_does_not_answer_has_no_numbers_in_the_report(tasks: Tasks, state: dict[str, Any]) -> None:
    tasks.lytics.token = "another"
    report = tasks.report(state)
    assert [audience["lytics"] for audience in report["audiences"]] == [None, None]
    assert any(note.startswith("Lytics' sizes could not be read") for note in report["notes"])


def upsert(tasks: Tasks, email: str, custom_fields: dict[str, Any], **fields: Any) -> None:
    row = {"email": email, "custom_fields": custom_fields, **fields}
    answer = requests.put(
        f"{tasks.sendgrid.url}/v3/marketing/contacts",
        json={"contacts": [row]},
        headers={"Authorization": "Bearer SG.full"},
        timeout=5,
    )
    assert answer.status_code == 202, answer.text
    tasks.sendgrid.settle()


def put_contact(email: str, contact: Contact) -> None:
    """Put a contact into the ledger's table."""
    item = {"pk": {"S": f"default#{email}"}, "version": {"N": "1"}, "state": {"S": encode(contact)}}
    boto3.client("dynamodb").put_item(TableName="contacts", Item=item)


def known(tasks: Tasks, state: dict[str, Any], age_s: int = 3_600) -> tuple[str, str, Contact]:
    """Put a person into the first audience on all three sides.

    Returns:
        The audience, the address and the ledger's contact.
    """
    audience = state["audiences"][0]["id"]
    email = "jane.doe@example.com"
    profile = {
        "email": "Jane.Doe@Example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "lifetime_value": "12.50",
    }
    tasks.lytics.add_profile(profile, [audience])
    upsert(tasks, email, {"e1_T": audience, "e2_N": 12.5}, first_name="Jane", last_name="Doe")
    tasks.sendgrid.refresh_segments()
    sent_ms = (NOW_S - age_s) * 1000
    fields: dict[str, tuple[int, Value]] = {
        "first_name": (1, "Jane"),
        "last_name": (1, "Doe"),
        "e2_N": (1, 12.5),
    }
    contact = Contact(1, {audience: sent_ms * 1_000_000}, fields, (), "job-7", sent_ms, "0" * 16, 2)
    put_contact(email, contact)
    return audience, email, contact


def test_inspect_person_on_whom_all_sides_agree(tasks: Tasks, state: dict[str, Any]) -> None:
    _, email, _ = known(tasks, state)
    answer = tasks.inspect(email.upper())
    assert answer["differences"] == []
    assert answer["answer"] == "All agree: the person is in 'High Value Users'"
    assert [(a["lytics"], a["ledger"], a["sendgrid"], a["segment"]) for a in answer["audiences"]] == [
        (True,) * 4,
        (False,) * 4,
    ]
    assert answer["fields"]["ltv"] == {"lytics": 12.5, "ledger": 12.5, "sendgrid": 12.5}
    assert answer["ledger"]["import_job"] == "job-7"


def test_inspect_unknown_person(tasks: Tasks, state: dict[str, Any]) -> None:
    answer = tasks.inspect("nobody@example.com")
    assert answer["answer"].startswith("Neither Lytics nor SendGrid nor the ledger knows this person")


def test_inspect_enter_that_has_not_arrived(tasks: Tasks, state: dict[str, Any]) -> None:
    tasks.lytics.add_profile({"email": "new@example.com"}, [state["audiences"][1]["id"]])
    (difference,) = tasks.inspect("new@example.com")["differences"]
    assert (
        "Lytics has the person in 'Newsletter Readers' and the ledger does not: no enter event has arrived"
        in difference
    )
    assert "To put the person in, start a resync" in difference


def test_inspect_exit_that_has_not_arrived(tasks: Tasks, state: dict[str, Any]) -> None:
    audience, email, _ = known(tasks, state)
    tasks.lytics.exit(email, audience, silently=True)
    (difference,) = tasks.inspect(email)["differences"]
    assert "The ledger has the person in 'High Value Users' and Lytics does not" in difference


def test_inspect_refused_contact(tasks: Tasks, state: dict[str, Any]) -> None:
    audience, _, contact = known(tasks, state)
    put_contact(
        "odd@example.com",
        replace(contact, row=None, rejection=Rejection("address", "email is not valid", "x", 1)),
    )
    tasks.lytics.add_profile({"email": "odd@example.com", "first_name": "Jane"}, [audience])
    answer = tasks.inspect("odd@example.com")
    assert "SendGrid refused this contact (address)" in answer["answer"]
    assert answer["ledger"]["rejection"]["message"] == "email is not valid"


def test_inspect_distinguishes_pending_and_lost_rows(tasks: Tasks, state: dict[str, Any]) -> None:
    audience, _, contact = known(tasks, state)
    differences = []
    for number, age_s in enumerate((30, 3_600)):
        email = f"gone{number}@example.com"
        put_contact(email, replace(contact, sent_ms=(NOW_S - age_s) * 1000, fields={}))
        tasks.lytics.add_profile({"email": email}, [audience])
        differences += tasks.inspect(email)["differences"]
    assert "SendGrid has no such contact yet: its row was sent" in differences[0]
    assert "the contact was deleted in SendGrid, or that job failed for it" in differences[1]


def test_inspect_contact_that_something_else_wrote(tasks: Tasks, state: dict[str, Any]) -> None:
    _, email, _ = known(tasks, state)
    upsert(tasks, email, {"e1_T": "none"}, first_name="Janet")
    tasks.sendgrid.refresh_segments()
    differences = tasks.inspect(email)["differences"]
    assert (
        "The ledger has the person in 'High Value Users' and SendGrid does not, and no request is in flight"
        in differences[0]
    )
    assert "SendGrid has first_name = 'Janet' and the ledger 'Jane'" in differences[1]


def test_inspect_segment_that_lags(tasks: Tasks, state: dict[str, Any]) -> None:
    audience, email, contact = known(tasks, state)
    other = state["audiences"][1]["id"]
    tasks.lytics.enter(email, other, silently=True)
    tasks.lytics.exit(email, audience, silently=True)
    upsert(tasks, email, {"e1_T": other})
    put_contact(email, replace(contact, memberships={audience: -2, other: 3}))
    differences = tasks.inspect(email)["differences"]
    assert "The segment of 'High Value Users' still lists the person, who has left" in differences[0]
    assert "in 'Newsletter Readers', but the segment does not list the person yet" in differences[1]


def test_inspect_reports_a_stopped_export_first(tasks: Tasks, state: dict[str, Any]) -> None:
    _, email, _ = known(tasks, state)
    tasks.exports.put_stop("default", Stop("a list was gone", 0, 0))
    assert "stopped, so nothing reaches SendGrid now: a list was gone" in tasks.inspect(email)["answer"]


def test_inspect_side_that_does_not_answer_is_unknown(tasks: Tasks, state: dict[str, Any]) -> None:
    _, email, _ = known(tasks, state)
    tasks.put_secret(sendgrid_api_key="SG.old", lytics_api_token="old")
    answer = tasks.inspect(email)
    assert [difference.partition(":")[0] for difference in answer["differences"]] == [
        "Lytics' side is unknown",
        "SendGrid's side is unknown",
    ]
    assert (answer["lytics"]["known"], answer["sendgrid"]["known"]) == (None, None)
    assert answer["audiences"][0]["lytics"] is None


@pytest.mark.parametrize(
    "question", [{}, {"email": 7}, {"email": "no address"}, {"email": "a@example.com", "export": "x"}]
)
def test_inspect_refuses_an_invalid_question(
    tasks: Tasks, state: dict[str, Any], question: dict[str, Any]
) -> None:
    with pytest.raises(InputInvalid):
        tasks.ask(question)


def test_inspect_logs_no_address(
    tasks: Tasks, state: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    _, email, _ = known(tasks, state)
    caplog.clear()
    tasks.inspect(email)
    logged = [str(vars(record)) for record in caplog.records]
    assert any("person_inspected" in line for line in logged)
    assert not any("jane" in line.lower() for line in logged)
