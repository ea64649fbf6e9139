"""An operator's own commands, run as an operator runs them: what was set aside comes back and ends right."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.queues.changes import MAX_HOPS, encode
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage, import_body
from lytics_sendgrid.queues.rejects import reject_body
from tests.e2e.customer import PUT_CONTACTS, Customer, Product
from tests.local.operator import CommandFailed, Operator
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, READERS

EMAIL = "ada@example.com"


@pytest.fixture
def live(customer: Customer) -> Customer:
    customer.lytics.add_profile({"email": EMAIL, "city": "Oslo"}, [READERS])
    customer.succeed(customer.input())
    customer.product.wait_until_idle()
    return customer


def operator(customer: Customer) -> Operator:
    return Operator(customer.product.deployment)


def put(customer: Customer, output: str, body: str) -> None:
    outputs = customer.product.deployment.outputs
    customer.product.deployment.cloud.client("sqs").send_message(QueueUrl=outputs[output], MessageBody=body)


def now_ns() -> int:
    return int(datetime.now(UTC).timestamp() * 1e9)


def segments(customer: Customer) -> Any:
    contact = customer.contact(EMAIL)
    return contact["custom_fields"]["lytics_segments"] if contact else None


def test_dead_changes_come_back_once_however_often_they_are_redriven(live: Customer) -> None:
    enter = Change(EMAIL, now_ns(), Kind.ENTER, HIGH_VALUE)
    body = encode(Message(live.name, (enter,), hops=MAX_HOPS))
    put(live, "ChangesDeadLetterQueueUrl", body)
    looked = operator(live).redrive("changes", dry=True)
    assert any(f"export '{live.name}': put back {MAX_HOPS} times" in line for line in looked)
    assert operator(live).dead_letters()["ChangesDeadLetter"] == 1

    for _ in range(2):
        said = operator(live).redrive("changes")
        assert "  redriven: 1" in said
        live.product.wait_until_idle()
        assert segments(live) == ",".join(sorted([HIGH_VALUE, READERS]))
        assert operator(live).dead_letters()["ChangesDeadLetter"] == 0
        put(live, "ChangesDeadLetterQueueUrl", body)
    operator(live).redrive("changes")
    # Redriven changes may race with a request of a dead consumer, so they are refreshed, and then all is still.
    live.product.wait_until_idle()
    puts = live.sendgrid.requests()[PUT_CONTACTS]
    assert segments(live) == ",".join(sorted([HIGH_VALUE, READERS]))
    assert 3 <= puts <= 8


def test_changes_of_an_export_that_there_is_not_stay_and_say_so(live: Customer) -> None:
    put(
        live,
        "ChangesDeadLetterQueueUrl",
        encode(Message("nobodys", (Change(EMAIL, 1, Kind.ENTER, READERS),))),
    )
    said = operator(live).redrive("changes")
    assert "  stays: 1: run the state machine for that export first" in said
    assert operator(live).dead_letters()["ChangesDeadLetter"] == 1
    live.product.take("ChangesDeadLetterQueueUrl")


def test_people_who_were_parked_while_the_account_was_full_arrive_after_the_redrive(live: Customer) -> None:
    live.sendgrid.set_options(contact_limit=1)
    live.lytics.add_profile({"email": "bo@example.com"})
    live.lytics.enter("bo@example.com", READERS)
    live.lytics.drain(10)

    def failed() -> bool:
        return bool(live.sendgrid.state()["jobs"]["failed"])

    poll(failed, "the failed job", timeout_s=20)
    row = live.ledger()["bo@example.com"]
    assert row.job is not None
    live.product.deployment.purge()
    parked = ImportMessage(
        live.name, row.job, row.sent_ms, (), {"bo@example.com": ImportedContact(live.name, row.row or "", 5)}
    )
    put(
        live,
        "ImportsDeadLetterQueueUrl",
        import_body(parked, "SendGrid failed the import job, 6 times in a row"),
    )
    live.sendgrid.set_options(contact_limit=None)

    said = operator(live).redrive("imports")
    assert any("6 times in a row" in line for line in said)
    poll(lambda: live.contact("bo@example.com"), "the parked person", timeout_s=20)
    live.product.wait_until_idle()
    live.wait_until_equal(live.input())


def test_rejects_are_read_again_after_a_fix_and_what_was_cut_stays(live: Customer) -> None:
    event = {"id": HIGH_VALUE, "event": "enter", "enter": datetime.now(UTC).isoformat()}
    envelope = {"id": "7", "data": {"email": EMAIL, "segment_events": [event]}}
    put(live, "RejectsQueueUrl", reject_body("internal_error", "a fault", "ingest", live.name, envelope))
    put(live, "RejectsQueueUrl", reject_body("no_email", "none", "ingest", live.name, {"id": "8" * 70_000}))
    looked = operator(live).redrive("rejects", dry=True)
    assert any(f"ingest, export '{live.name}', internal_error: a fault" in line for line in looked)
    said = operator(live).redrive("rejects")
    assert "  redriven: 1" in said
    assert any("it was cut from 70" in line for line in said)
    live.product.wait_until_idle()
    assert segments(live) == ",".join(sorted([HIGH_VALUE, READERS]))
    [left] = live.product.rejects()
    assert left["reason"] == "no_email"


def test_the_rejected_are_listed_with_the_reason_until_a_change_of_theirs_is_taken(live: Customer) -> None:
    live.sendgrid.set_options(refuse_emails="^odd[.]one@")
    live.lytics.add_profile({"email": "odd.one@example.com"})
    live.lytics.enter("odd.one@example.com", READERS)
    live.lytics.drain(10)
    live.product.wait_until_idle()
    assert operator(live).rejected(live.name) == {"odd.one@example.com": "address"}
    kind, answer = live.product.invoke(
        "InspectFunction", {"export": live.name, "email": "odd.one@example.com"}
    )
    assert kind is None
    assert answer["ledger"]["rejection"]["reason"] == "address"

    live.sendgrid.set_options(refuse_emails="")
    live.lytics.enter("odd.one@example.com", HIGH_VALUE)
    live.lytics.drain(10)
    live.wait_until_equal(live.input())
    assert operator(live).rejected(live.name) == {}


def test_a_stack_that_there_is_not_is_said_in_words(product: Product) -> None:
    nobodys = Operator(replace(product.deployment, stack="nobodys"))
    with pytest.raises(CommandFailed, match="CloudFormation refused"):
        nobodys.redrive()
    with pytest.raises(CommandFailed, match="there is no export of that name"):
        Operator(product.deployment).rejected("nobodys")
