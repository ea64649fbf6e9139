"""`make redrive` and `make rejected`, run as an operator does."""

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


def test_changes_can_be_redriven_twice_without_harm(live: Customer) -> None:
    enter = Change(EMAIL, now_ns(), Kind.ENTER, HIGH_VALUE)
    body = encode(Message(live.name, (enter,), hops=MAX_HOPS))
    put(live, "ChangesDeadLetterQueueUrl", body)
    dry_output = operator(live).redrive("changes", dry=True)
    assert any(f"export '{live.name}': requeued {MAX_HOPS} times" in line for line in dry_output)
    assert operator(live).dead_letters()["ChangesDeadLetter"] == 1

    for _ in range(2):
        output = operator(live).redrive("changes")
        assert "  redriven: 1" in output
        live.product.wait_until_idle()
        assert segments(live) == ",".join(sorted([HIGH_VALUE, READERS]))
        assert operator(live).dead_letters()["ChangesDeadLetter"] == 0
        put(live, "ChangesDeadLetterQueueUrl", body)
    operator(live).redrive("changes")
    # Redriven changes may race with a request of a dead consumer, so refreshes follow them.
    live.product.wait_until_idle()
    puts = live.sendgrid.requests()[PUT_CONTACTS]
    assert segments(live) == ",".join(sorted([HIGH_VALUE, READERS]))
    assert 3 <= puts <= 8


def test_changes_of_an_unknown_export_stay_with_a_reason(live: Customer) -> None:
    put(
        live,
        "ChangesDeadLetterQueueUrl",
        encode(Message("unknown", (Change(EMAIL, 1, Kind.ENTER, READERS),))),
    )
    output = operator(live).redrive("changes")
    assert "  stays: 1: run the state machine for that export first" in output
    assert operator(live).dead_letters()["ChangesDeadLetter"] == 1
    live.product.take("ChangesDeadLetterQueueUrl")


def test_people_parked_by_a_full_account_arrive_after_the_redrive(live: Customer) -> None:
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

    output = operator(live).redrive("imports")
    assert any("6 times in a row" in line for line in output)
    poll(lambda: live.contact("bo@example.com"), "the parked person", timeout_s=20)
    live.product.wait_until_idle()
    live.wait_until_equal(live.input())


def test_redriven_rejects_are_parsed_again_and_truncated_ones_stay(live: Customer) -> None:
    event = {"id": HIGH_VALUE, "event": "enter", "enter": datetime.now(UTC).isoformat()}
    envelope = {"id": "7", "data": {"email": EMAIL, "segment_events": [event]}}
    put(live, "RejectsQueueUrl", reject_body("internal_error", "a fault", "ingest", live.name, envelope))
    put(live, "RejectsQueueUrl", reject_body("no_email", "none", "ingest", live.name, {"id": "8" * 70_000}))
    dry_output = operator(live).redrive("rejects", dry=True)
    assert any(f"ingest, export '{live.name}', internal_error: a fault" in line for line in dry_output)
    output = operator(live).redrive("rejects")
    assert "  redriven: 1" in output
    assert any("it was cut from 70" in line for line in output)
    live.product.wait_until_idle()
    assert segments(live) == ",".join(sorted([HIGH_VALUE, READERS]))
    [remaining] = live.product.rejects()
    assert remaining["reason"] == "no_email"


def test_rejected_people_are_listed_until_sendgrid_accepts_a_change(live: Customer) -> None:
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


def test_unknown_stack_and_unknown_export_are_reported(product: Product) -> None:
    unknown = Operator(replace(product.deployment, stack="unknown"))
    with pytest.raises(CommandFailed, match="this account has no such stack in this region"):
        unknown.redrive()
    with pytest.raises(CommandFailed, match="no such export"):
        Operator(product.deployment).rejected("unknown")
