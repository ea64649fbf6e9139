"""Whole executions of the export against both twins: what they create, send and report."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.contract.openapi import VARIABLE
from tests.e2e.customer import PUT_CONTACTS, Customer, Product, customer_of
from tests.local.demo.watch import Ended
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED

LIST = "Lytics audiences"
PEOPLE = 600


@dataclass(frozen=True, slots=True)
class Exported:
    """An export after one execution.

    Attributes:
        customer: The customer.
        start: The input of the execution.
        list_id: The id of its list.
        finished: The end of the execution.
    """

    customer: Customer
    start: dict[str, Any]
    list_id: str
    finished: Ended

    def created(self) -> dict[str, Any]:
        """Return everything that exists in both accounts because of the export."""
        state = self.customer.sendgrid.state()
        return {
            **{name: state[name] for name in ("custom_fields", "lists", "segments", "contacts")},
            "import jobs": sum(state["jobs"].values()),
            "webhook jobs": [job.id for job in self.customer.lytics.jobs()],
            "authorizations": [
                authorization.id for authorization in self.customer.lytics.authorizations.all()
            ],
        }


@pytest.fixture(scope="module")
def exported(product: Product) -> Iterator[Exported]:
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=7, without_email=0.02)
        list_id = customer.sendgrid.add_list(LIST)
        start = customer.input(list=LIST)
        yield Exported(customer, start, list_id, customer.run(start))


def test_sendgrid_matches_lytics_after_the_export(exported: Exported) -> None:
    assert exported.finished.status == "SUCCEEDED", exported.finished.error
    exported.customer.wait_until_equal(exported.start, exported.list_id)
    audit = exported.customer.audit(exported.start, exported.list_id)
    assert audit.contacts > PEOPLE * 0.8
    assert [audience["lytics"] > PEOPLE / 5 for audience in audit.audiences] == [True] * 3


def test_report_counts_people_on_each_side(exported: Exported) -> None:
    report = exported.finished.output
    customer = exported.customer
    audiences = {audience.id: audience for audience in customer.lytics.audiences()}
    reached = {email for audience in audiences for email in customer.lytics.members(audience)}
    assert (report["export"], report["live"]) == (customer.name, True)
    for counts in report["audiences"]:
        members = audiences[counts["id"]].members
        with_email = customer.lytics.members(counts["id"])
        assert counts["lytics"] == counts["scanned"] == len(members)
        assert (counts["queued"], counts["without_email"]) == (
            len(with_email),
            len(members) - len(with_email),
        )
        assert (counts["complete"], counts["segment"]) == (True, counts["name"])
    assert report["people"]["rejected"] == {}
    # A person in two audiences may be in two batches and is then counted twice.
    assert len(reached) <= report["people"]["accepted"] + report["people"]["unchanged"]
    assert len(reached) <= report["import_jobs"]["confirmed"]
    assert report["import_jobs"]["failed"] == report["import_jobs"]["errored"] == 0
    assert report["sendgrid_contacts"] == len(reached)
    assert report["created"]["fields"] == ["lytics_segments", "lifetime_value", "last_purchase"]
    assert report["created"]["segments"] == 3
    assert report["activation"]["webhook_url"] == customer.product.deployment.webhook(customer.name)
    assert any("every 1 to 24 hours" in note for note in report["notes"])


def test_same_input_again_creates_and_sends_nothing(exported: Exported) -> None:
    exported.customer.wait_until_equal(exported.start, exported.list_id)
    exported.customer.product.wait_until_idle()
    created, written = exported.created(), exported.customer.writes()
    assert written[PUT_CONTACTS] >= 1
    subscribed = exported.customer.subscriptions()
    again = exported.customer.succeed(exported.start)
    exported.customer.product.wait_until_idle()
    assert exported.created() == created
    assert _without_updates(exported.customer.writes()) == _without_updates(written)
    assert _without_updates(exported.customer.subscriptions()) == _without_updates(subscribed)
    assert again["created"]["fields"] == []
    assert again["created"]["segments"] == 0
    assert again["people"]["accepted"] == 0
    assert again["import_jobs"]["jobs"] == 0


def _without_updates(counts: dict[str, int]) -> dict[str, int]:
    """Drop updates. Lytics never returns a secret, so each execution writes it again."""
    return {name: n for name, n in counts.items() if not name.startswith(("PATCH ", "PUT /v2/auth"))}


def test_shuffled_and_duplicated_live_events_reach_sendgrid(exported: Exported) -> None:
    lytics = exported.customer.lytics
    lytics.set_faults(shuffle=True, duplicate_rate=0.2)
    events = lytics.make_events(200, seed=5)
    assert min(events.values()) > 10
    assert lytics.drain(30)
    exported.customer.wait_until_equal(exported.start, exported.list_id)


def test_two_exports_of_one_account_share_its_contacts(exported: Exported) -> None:
    """A second export of one audience does not change memberships in the others."""
    customer = exported.customer
    exported.customer.wait_until_equal(exported.start, exported.list_id)
    customer.product.wait_until_idle()
    created = exported.created()
    second = exported.start | {"export": f"{customer.name}-second", "audiences": ["lapsed_customers"]}
    customer.succeed(second)
    customer.wait_until_equal(exported.start, exported.list_id)
    assert exported.created()["segments"] == created["segments"]
    assert exported.created()["contacts"] == created["contacts"]


def test_all_requests_conform_to_sendgrids_openapi(exported: Exported) -> None:
    watch = exported.customer.watch
    if watch is None:
        pytest.skip(f"{VARIABLE} is not set: there are no OpenAPI files to check requests against")
    assert watch.exchanges >= 10
    assert watch.problems == []


def test_dry_run_creates_nothing_and_returns_the_plan(customer: Customer) -> None:
    customer.lytics.populate(300, 3, seed=3)
    planned = customer.succeed(customer.input(dry_run=True))
    assert customer.writes() == customer.subscriptions() == {}
    assert planned["plan"]["create"] == {
        "custom_fields": ["lytics_segments", "lifetime_value", "last_purchase"],
        "segments": ["High value users", "Newsletter readers", "Lapsed customers"],
    }
    people = sum(len(audience.members) for audience in customer.lytics.audiences())
    assert planned["plan"]["people"] == people
    estimate = planned["plan"]["estimate"]
    assert estimate["minutes"] >= 1
    assert 0 < estimate["aws_dollars"] < 1
    assert "list prices" in estimate["basis"]


def test_export_without_subscription_goes_live_after_manual_setup(customer: Customer) -> None:
    customer.lytics.populate(60, 3, seed=3)
    start = customer.input(subscribe=False)
    report = customer.succeed(start)
    assert customer.subscriptions() == {}
    assert report["live"] is False
    assert report["notes"][0].startswith("NOT LIVE")
    paste = report["activation"]["paste"]
    assert paste["webhook_url"] == customer.product.deployment.webhook(customer.name)
    assert customer.webhook_secret not in json.dumps(report)
    customer.wait_until_equal(start)

    _paste(customer, paste)
    assert customer.succeed(start)["live"] is True
    customer.lytics.make_events(30, seed=4)
    assert customer.lytics.drain(30)
    customer.wait_until_equal(start)


def _paste(customer: Customer, paste: dict[str, Any]) -> None:
    """Enter the report's values in Lytics, as a user would."""

    def post(path: str, body: dict[str, Any]) -> str:
        headers = {"Authorization": customer.lytics.token}
        answer = requests.post(customer.lytics.url + path, json=body, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return str(answer.json()["data"]["id"])

    lines = f"{paste['header']['name']}: {customer.webhook_secret}"
    header = post("/v2/auth/header_param_auth", {"label": "us", "config": {"webhook_request_headers": lines}})
    config = {
        "segment_ids": [audience["id"] for audience in paste["audiences"]],
        "webhook_url": paste["webhook_url"],
        "http_method": paste["http_method"],
        "user_fields": paste["export_fields"],
        "field_changes": paste["fields_to_trigger"],
        "withbackfill": paste["existing_users"],
        "batch_requests": paste["batch_requests"],
        "batch_size": paste["batch_size"],
        "batch_flush_duration": paste["batch_flush_duration_s"],
        "do_not_retry": paste["do_not_retry"],
        "cloudevents": paste["cloudevents"],
    }
    post("/v2/job/webhook_triggers", {"name": "by hand", "auth_ids": [header], "config": config})


def test_events_during_the_scan_are_not_lost(customer: Customer) -> None:
    customer.lytics.populate(400, 3, seed=3)
    customer.lytics.set_faults(shuffle=True, duplicate_rate=0.1, api_paths="/scan", api_slow_s=0.2)
    execution = customer.start(customer.input())
    poll(customer.lytics.jobs, "the subscription", timeout_s=20)
    for seed in itertools.count(1):
        customer.lytics.make_events(10, seed=seed)
        assert customer.lytics.drain(10)
        if "Settle" in customer.states(execution):
            break
    assert seed > 2
    assert customer.end(execution).status == "SUCCEEDED"
    customer.wait_until_equal(customer.input())


def test_second_execution_at_the_same_time_is_refused_by_name(customer: Customer) -> None:
    customer.lytics.populate(150, 3, seed=3)
    executions = [customer.start(customer.input()) for _ in range(2)]
    ends = [customer.end(execution) for execution in executions]
    (refused,) = [finished.error for finished in ends if finished.status != "SUCCEEDED"]
    assert f"another run of the export '{customer.name}' is under way: '{customer.name}-" in refused
    customer.wait_until_equal(customer.input())
    state = customer.sendgrid.state()
    assert (state["custom_fields"], state["segments"]) == (3, 3)


def test_person_in_two_exports_is_on_both_lists(customer: Customer) -> None:
    lists = {name: customer.sendgrid.add_list(name) for name in ("First", "Second")}
    people = {
        "both@example.com": [HIGH_VALUE, LAPSED],
        "one@example.com": [HIGH_VALUE],
        "two@example.com": [LAPSED],
    }
    for email, audiences in people.items():
        customer.lytics.add_profile({"email": email, "city": "Gdańsk"}, audiences)
    for name, audience, fields in (
        ("First", HIGH_VALUE, {"city": "town"}),
        ("Second", LAPSED, {"city": "place"}),
    ):
        start = customer.input(
            export=f"{customer.name}-{name}", audiences=[audience], list=name, custom_fields=fields
        )
        customer.succeed(start)
    customer.product.wait_until_idle()
    customer.sendgrid.settle()
    held = {contact["email"]: contact for contact in customer.sendgrid.contacts()}
    assert {email: set(contact["list_ids"]) for email, contact in held.items()} == {
        "both@example.com": set(lists.values()),
        "one@example.com": {lists["First"]},
        "two@example.com": {lists["Second"]},
    }
    for email, audiences in people.items():
        assert held[email]["custom_fields"]["lytics_segments"] == ",".join(sorted(audiences))
    assert {name: held["both@example.com"]["custom_fields"][name] for name in ("town", "place")} == {
        "town": "Gdańsk",
        "place": "Gdańsk",
    }
    assert customer.sendgrid.segment_members("High value users") == ["both@example.com", "one@example.com"]


def test_long_scan_continues_over_several_invocations(customer: Customer) -> None:
    customer.lytics.populate(1_200, 1, seed=3, outside=0.0)
    customer.lytics.set_faults(api_paths="/scan", api_slow_s=0.4)
    with customer.product.time_limit("backfill", 3):
        report = customer.succeed(customer.input(audiences=["high_value_users"], scan_parallelism=1))
    scans = [
        line
        for line in customer.product.logged("backfill", "audience_scanned")
        if line["run"] == report["run"]
    ]
    assert len(scans) >= 3
    assert [scan["done"] for scan in scans] == [False] * (len(scans) - 1) + [True]
    assert report["audiences"][0]["scanned"] == 1_200
    assert report["audiences"][0]["complete"] is True
    customer.wait_until_equal(customer.input(audiences=["high_value_users"]))
