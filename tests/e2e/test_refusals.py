"""Bad input: invalid executions fail before they create anything, and no webhook body causes a crash."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import requests

from tests.e2e.customer import Customer, Product, customer_of, sendgrid_key
from tests.local.demo.watch import Ended
from tests.local.sendgrid_twin.options import Capability
from tests.newsletter import HIGH_VALUE

SEGMENTS: Final = "/v3/marketing/segments/2.0"
EVERYBODY: Final = "SELECT contact_id, updated_at FROM contact_data"
CREATE_FIELD: Final = "POST /v3/marketing/field_definitions"


def refused(customer: Customer, start: object, state: str = "Plan") -> Ended:
    """Run an execution that must fail in a state without creating anything."""
    execution = customer.start(start)
    finished = customer.end(execution)
    assert finished.status == "FAILED", finished
    visited = [
        name for name in customer.states(execution) if name in {"Plan", "Provision", "Activate", "Backfill"}
    ]
    assert visited[-1] == state
    assert customer.subscriptions() == {}
    return finished


def refused_in_plan(customer: Customer, start: object) -> list[str]:
    """Run an execution that the plan must refuse. Returns its faults, one per line."""
    finished = refused(customer, start)
    assert customer.writes() == {}
    head, *lines = finished.error.splitlines()[1:]
    faults = [line for line in lines if line.startswith("- ")]
    assert "nothing was changed" in head
    assert head.endswith(f"{len(faults)} fault{'s' if len(faults) != 1 else ''}:")
    return faults


def has_exactly(faults: list[str], *expected: str) -> bool:
    """Return whether each expected text is in its own fault, and no fault is left."""
    remaining = list(faults)
    for text in expected:
        match = next((fault for fault in remaining if text in fault), None)
        assert match is not None, f"{text!r} is not in {remaining}"
        remaining.remove(match)
    return not remaining


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ("high_value_users", "not a JSON object"),
        ({}, '"audiences" is missing'),
        ({"audiences": []}, '"audiences" must name 1 to'),
        ({"audiences": "high_value_users"}, '"audiences" must be a list'),
        ({"audiences": ["high_value_users"], "export": "a/b"}, '"export" must be 1 to 64 letters'),
        ({"audiences": ["high_value_users"], "authorization": "nobody's"}, '"authorization" must be 1 to 64'),
        ({"audiences": ["high_value_users"], "authorization": "nobody"}, "/nobody' cannot be read"),
        ({"audiences": ["high_value_users"], "authorization": "nobody"}, "/nobody/webhook' cannot be read"),
    ],
    ids=lambda value: json.dumps(value) if not isinstance(value, str) else "",
)
def test_input_of_the_wrong_shape_is_refused(customer: Customer, start: Any, expected: str) -> None:
    (fault,) = [line for line in refused_in_plan(customer, start) if expected in line]
    assert fault.startswith("- ")


def test_all_faults_of_an_input_are_reported_at_once(customer: Customer) -> None:
    customer.sendgrid.add_field("ltv", "Date")
    customer.sendgrid.add_field("lytics_segments")
    customer.lytics.seed_job("sendgrid_export_new", name="Hosted export")
    start = customer.input(
        audiences=["high_value_user", "newsletter_readers"],
        email_field="mail",
        first_name_field="given_name",
        list="Newsletter",
        custom_fields={"interests": "interests", "lifetime_value": "ltv", "is_mobile": "mobile"},
        backfil=True,
        dry_run="no",
    )
    del start["backfill"]
    faults = refused_in_plan(customer, start)
    assert has_exactly(
        faults,
        "'high_value_user': did you mean 'high_value_users'?",
        "\"email_field\": Lytics has no field 'mail': did you mean 'email'?",
        "\"first_name_field\": Lytics has no field 'given_name'",
        "SendGrid has no list with the id or name 'Newsletter'",
        "'interests' is of type []string, which SendGrid cannot hold",
        "'is_mobile' is of type bool, which SendGrid cannot hold",
        "SendGrid has a custom field 'ltv' of type Date",
        "a custom field 'lytics_segments' that this product did not create",
        "Lytics' own SendGrid export 'Hosted export'",
        '"backfil" is not a valid key: did you mean "backfill"?',
        '"dry_run" must be true or false',
    )


def test_wrong_key_and_wrong_token_are_reported_together(customer: Customer) -> None:
    customer.put_secret(sendgrid_api_key="SG.revoked", lytics_api_token="expired")
    faults = refused_in_plan(customer, customer.input())
    assert has_exactly(faults, "lytics_api_token", "sendgrid_api_key")


def test_key_without_marketing_is_refused_with_the_missing_permission(customer: Customer) -> None:
    customer.put_secret(sendgrid_api_key=sendgrid_key(customer.name, Capability.NO_MARKETING))
    assert has_exactly(
        refused_in_plan(customer, customer.input()), "Restricted Access > Marketing: Full Access"
    )


def test_each_empty_key_of_the_secret_is_reported(customer: Customer) -> None:
    customer.put_secret(sendgrid_api_key="", lytics_api_token="", webhook_secrets=[])
    faults = refused_in_plan(customer, customer.input())
    assert has_exactly(
        faults, '"sendgrid_api_key" is empty', '"lytics_api_token" is empty', '"webhook_secrets" is empty'
    )


def test_account_with_too_many_segments_is_refused(customer: Customer) -> None:
    for number in range(200):
        create_segment(customer, f"Segment {number}")
    customer.sendgrid.forget_exchanges()
    assert has_exactly(
        refused_in_plan(customer, customer.input()),
        "holds 200 segments and this one has 200; 3 more are needed",
    )


def test_existing_segment_with_the_audiences_name_is_refused(customer: Customer) -> None:
    create_segment(customer, "high value USERS")
    customer.sendgrid.forget_exchanges()
    assert has_exactly(refused_in_plan(customer, customer.input()), "and it is not this audience's")


@pytest.mark.parametrize("status", ["running", "paused", "sleeping"])
def test_live_job_of_the_hosted_export_is_refused(customer: Customer, status: str) -> None:
    customer.lytics.seed_job("sendgrid_export_new", status=status)
    assert has_exactly(refused_in_plan(customer, customer.input()), "End that job in Lytics")


def test_list_of_the_wrong_type_is_one_fault(customer: Customer) -> None:
    (fault,) = refused_in_plan(customer, customer.input(list=7))
    assert fault == '- "list" must be text in quotes, not a number'


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("paused", "is paused: resume it in Lytics, then start the export again"),
        ("failed", "has failed, which happens after two hours of refused deliveries"),
    ],
)
def test_webhook_job_that_does_not_run_is_refused_by_name(customer: Customer, status: str, text: str) -> None:
    url = customer.product.deployment.webhook(customer.name)
    job = customer.lytics.seed_job(
        "webhook_triggers", name="Made by hand", config={"webhook_url": url}, status=status
    )
    (fault,) = refused_in_plan(customer, customer.input())
    assert fault.startswith(f"- Lytics' webhook job 'Made by hand' ({job}) {text}")


def test_read_only_key_fails_at_the_first_write_and_leaves_nothing(customer: Customer) -> None:
    customer.put_secret(sendgrid_api_key=sendgrid_key(customer.name, Capability.READ_ONLY))
    finished = refused(customer, customer.input(), state="Provision")
    assert "Marketing: Full Access" in finished.error
    assert customer.writes() == {CREATE_FIELD: 1}
    state = customer.sendgrid.state()
    assert (state["custom_fields"], state["segments"]) == (0, 0)
    assert customer.post("{}").status_code == 503  # the export does not exist


def create_segment(customer: Customer, name: str) -> None:
    answer = requests.post(
        customer.sendgrid.url + SEGMENTS,
        json={"name": name, "query_dsl": EVERYBODY},
        headers={"Authorization": f"Bearer {sendgrid_key(customer.name)}"},
        timeout=10,
    )
    assert answer.status_code == 201, answer.text


ENTER: Final = json.dumps(
    {
        "id": "1",
        "data": {
            "email": "mara.ilic@example.com",
            "first_name": "Mara",
            "segment_events": [{"id": HIGH_VALUE, "event": "enter", "enter": "2026-10-01T00:00:00Z"}],
        },
        "meta": {"timestamp": "2026-10-01T00:00:00Z"},
    }
)


@pytest.fixture(scope="module")
def live(product: Product) -> Iterator[Customer]:
    """Return a customer with a live export."""
    with customer_of(product) as customer:
        customer.succeed(customer.input(backfill=False, subscribe=False))
        yield customer


def test_wrong_secret_is_401_so_that_lytics_retries(live: Customer) -> None:
    for secret in ("", "wrong", live.webhook_secret + " x", live.webhook_secret.upper()):
        answer = live.post(ENTER, secret=secret)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (401, None)
    live.product.wait_until_idle()
    assert live.contact("mara.ilic@example.com") is None


def test_both_secrets_of_a_rotation_are_accepted(customer: Customer) -> None:
    customer.put_secret(webhook_secrets=["the-next-one", customer.webhook_secret])
    customer.succeed(customer.input(backfill=False, subscribe=False))
    secrets = ("the-next-one", customer.webhook_secret, "the-one-before")
    assert [customer.post(ENTER, secret=secret).status_code for secret in secrets] == [200, 200, 401]


def test_body_that_is_not_json_is_400(live: Customer) -> None:
    for body in (b"", b"{", ENTER[:-5].encode(), b"\xff\xfe\x00", b"email=mara", b"'text'"):
        assert live.post(body).status_code == 400, body
    kept = [reject for reject in live.product.rejects() if reject["export"] == live.name]
    assert [reject["reason"] for reject in kept[-6:]] == ["not_json"] * 6


def test_unknown_export_is_503_without_retry_after(live: Customer) -> None:
    for export in ("unknown", f"{live.name}-x", "a" * 64, "%20", "a.b"):
        answer = live.post(ENTER, export=export)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, None), export


def test_body_too_large_for_the_gateway_is_503_not_413(live: Customer) -> None:
    answer = live.post(json.dumps({"events": [json.loads(ENTER)], "padding": "x" * 7_000_000}))
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, None)


def test_unavailable_queue_is_503_with_retry_after(live: Customer) -> None:
    with live.product.variable("ingest", "CHANGES_QUEUE_URL", lambda url: f"{url}-gone"):
        answer = live.post(ENTER)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert live.post(ENTER).status_code == 200


IMPOSSIBLE: Final[dict[str, Callable[[], str]]] = {
    "deep list": lambda: "[" * 100_000 + "]" * 100_000,
    "deep object": lambda: '{"a":' * 50_000 + "1" + "}" * 50_000,
    "5,000 elements": lambda: json.dumps([json.loads(ENTER)] * 5_000),
    "long number": lambda: ENTER.replace('"Mara"', "1" * 10_000),
    "infinity": lambda: ENTER.replace('"Mara"', "1e999"),
    "not a number": lambda: ENTER.replace('"Mara"', "NaN"),
    "surrogate": lambda: ENTER.replace('"Mara"', '"\\u0000\\ud800"'),
    "time is an object": lambda: ENTER.replace('"enter": "2026-10-01T00:00:00Z"', '"enter": {"at": []}'),
    "email is an object": lambda: ENTER.replace('"mara.ilic@example.com"', '{"x": 1}'),
    "elements of all types": lambda: ENTER.replace("[{", '[[[]], null, 1, "x", {'),
    "impossible time": lambda: ENTER.replace('"2026-10-01T00:00:00Z"', '"0000-99-99T99:99:99Z"'),
    "number as time": lambda: ENTER.replace('"2026-10-01T00:00:00Z"', "-1"),
    "NUL after it": lambda: ENTER + "\x00",
    "null": lambda: "null",
    "empty list": lambda: "[]",
    "number": lambda: "7",
    "text": lambda: '"text"',
    "events is an object": lambda: '{"events": {"events": 1}, "data": null}',
}


@pytest.mark.parametrize("body", IMPOSSIBLE)
def test_impossible_body_is_answered_without_a_crash(live: Customer, body: str) -> None:
    assert live.post(IMPOSSIBLE[body]()).status_code in {200, 400}


def test_unknown_path_has_a_status_that_lytics_retries(product: Product) -> None:
    base = product.deployment.outputs["WebhookUrl"]
    for path in ("", "/lytics", "/other/newsletter"):
        assert requests.post(base + path, data="{}", timeout=10).status_code not in {200, 400, 404, 413}
