"""A marketer changes their mind: stops an export, starts it again, removes audiences, removes all of it."""

import json
from collections.abc import Iterator

import pytest
import requests

from lytics_sendgrid.domain.configuration import AudienceState
from tests.e2e.customer import Customer, Product, customer_of
from tests.e2e.live_export import NAMES, PEOPLE, Exported, exported, move
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS


@pytest.fixture
def export(product: Product) -> Iterator[Exported]:
    """Return an export of three audiences that is live."""
    with exported(product) as live:
        yield live


def kill(customer: Customer, job: str) -> None:
    """Kill a job in Lytics, as Lytics may do after 90 days."""
    headers = {"Authorization": customer.lytics.token}
    url = f"{customer.lytics.url}/v2/job/{job}/kill"
    assert requests.post(url, headers=headers, timeout=10).ok


def test_stopped_export_answers_200_and_is_right_when_started_again(export: Exported) -> None:
    customer = export.customer
    (job,) = export.jobs()
    report = export.stop()
    assert export.jobs() == {job: "paused"}
    assert report["live"] is False
    assert {known.state for known in export.account().audiences.values()} == {AudienceState.STOPPED}
    before = customer.ledger()
    move(customer, silently=True)
    email = min(customer.lytics.members(LAPSED))
    late = {
        "data": {
            "email": email,
            "segment_events": [{"id": LAPSED, "event": "exit", "exit": "2026-11-26T00:00:00Z"}],
        }
    }
    # The webhook may know for up to a minute that the export was live.
    poll(lambda: _is_ignored(customer, json.dumps(late)), "a webhook that knows", 90.0, interval_s=2.0)
    assert not customer.audit(export.input(*NAMES)).ok
    assert customer.ledger().keys() == before.keys()
    customer.succeed(export.input(*NAMES))
    assert list(export.jobs()) == [job]
    export.wait_until_right(*NAMES)
    assert {known.state for known in export.account().audiences.values()} == {AudienceState.LIVE}


def _is_ignored(customer: Customer, body: str) -> bool:
    assert customer.post(body).status_code == 200
    lines = [one for one in customer.product.logged("ingest", "delivery") if one["export"] == customer.name]
    return bool(lines) and lines[-1].get("Ignored") == 1


def test_job_that_is_gone_is_made_again(export: Exported) -> None:
    export.stop()
    (job,) = export.jobs()
    kill(export.customer, job)
    export.customer.succeed(export.input(*NAMES))
    assert list(export.jobs()) != [job]
    assert len(export.jobs()) == 1


def test_removed_audience_is_emptied_and_right_at_once_when_added_again(export: Exported) -> None:
    customer = export.customer
    report = customer.succeed(export.input(HIGH_VALUE, READERS))
    export.wait_until_empty(LAPSED)
    export.wait_until_right(HIGH_VALUE, READERS)
    assert export.in_segment(LAPSED) == set()
    account = export.account()
    assert (account.audiences[LAPSED].state, account.to_clear) == (AudienceState.CLEARED, {})
    assert any(NAMES[LAPSED] in note for note in report["notes"])
    customer.succeed(export.input(*NAMES))
    export.wait_until_right(*NAMES)


def test_kept_audience_stays_as_it_is(export: Exported) -> None:
    before = export.in_segment(LAPSED)
    export.customer.succeed(export.input(HIGH_VALUE, READERS, removed_audiences="keep"))
    assert export.in_segment(LAPSED) == before
    assert export.account().audiences[LAPSED].state is AudienceState.KEPT


@pytest.mark.parametrize("change", ["keep", "stop"])
def test_frozen_audience_is_right_at_once_in_a_new_export(export: Exported, change: str) -> None:
    """Nobody left its segment while it was kept, or while the only export that has it was stopped."""
    customer = export.customer
    if change == "keep":
        customer.succeed(export.input(HIGH_VALUE, READERS, removed_audiences="keep"))
    else:
        export.stop()
    inside = [profile for profile in customer.lytics.profiles() if LAPSED in profile.audiences]
    for profile in inside[:5]:
        customer.lytics.exit(profile.id, LAPSED, silently=True)
    for profile in customer.lytics.profiles():
        if profile.email is not None and LAPSED not in profile.audiences and profile not in inside[:5]:
            customer.lytics.enter(profile.id, LAPSED, silently=True)
            break
    members = set(customer.lytics.members(LAPSED))
    assert export.in_segment(LAPSED) - members
    start = export.input(LAPSED, export=f"{customer.name}-new")
    notes = customer.succeed(start | {"dry_run": True})["plan"]["notes"]
    assert any("'Lapsed customers'" in note and "are taken out in this run" in note for note in notes)
    customer.succeed(start)
    poll(lambda: export.in_segment(LAPSED) == members, "the segment to be right", 30.0, interval_s=0.2)
    assert export.with_id(LAPSED) == members


def test_segment_of_a_removed_audience_is_deleted(export: Exported) -> None:
    export.customer.succeed(export.input(HIGH_VALUE, READERS, delete_segments=True))
    export.wait_until_empty(LAPSED)
    assert export.customer.sendgrid.names()["segments"] == ["High value users", "Newsletter readers"]
    assert LAPSED not in export.account().audiences


def test_stop_that_clears_empties_the_segments(export: Exported) -> None:
    export.stop(clear=True)
    for audience in NAMES:
        export.wait_until_empty(audience)
    assert len(export.customer.sendgrid.names()["segments"]) == 3
    export.customer.succeed(export.input(*NAMES))
    export.wait_until_right(*NAMES)


def test_remove_leaves_nothing_of_ours_and_all_of_theirs(product: Product) -> None:
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=6)
        customer.sendgrid.add_field("theirs")
        customer.sendgrid.add_list("Theirs")
        customer.lytics.seed_job("webhook_triggers", name="Theirs")
        export = Exported(customer)
        before = export.things()
        customer.succeed(export.input(*NAMES))
        assert export.things() != before
        report = export.stop(clear=True, delete_segments=True)
        for audience in NAMES:
            export.wait_until_empty(audience)
        after = export.things()
        fields = set(after.pop("custom_fields")) - set(before.pop("custom_fields"))
        assert after == before
        assert fields == {"lytics_segments", "lifetime_value", "last_purchase"}
        assert any("custom fields" in note for note in report["notes"])
        assert export.account().audiences == {}


def test_remove_takes_audiences_that_a_change_dropped(product: Product) -> None:
    with customer_of(product) as customer:
        customer.lytics.populate(PEOPLE, 3, seed=7)
        export = Exported(customer)
        customer.succeed(export.input(*NAMES))
        customer.succeed(export.input(HIGH_VALUE, LAPSED))
        customer.succeed(export.input(HIGH_VALUE, removed_audiences="keep"))
        states = {audience: known.state for audience, known in export.account().audiences.items()}
        assert (states[READERS], states[LAPSED]) == (AudienceState.CLEARED, AudienceState.KEPT)
        assert export.with_id(LAPSED)
        report = export.stop(clear=True, delete_segments=True)
        for audience in NAMES:
            export.wait_until_empty(audience)
        assert customer.sendgrid.names()["segments"] == []
        assert (export.account().audiences, export.account().to_clear) == ({}, {})
        assert {one["segment"] for one in report["cleared"]} == {"deleted"}
        assert len(report["cleared"]) == len(NAMES)


def test_start_notices_at_once_what_was_changed_in_sendgrid(product: Product) -> None:
    """A changed query, a deleted field and a renamed list, in one plan; and the start is right after it."""
    with customer_of(product) as customer:
        customer.lytics.populate(60, 3, seed=5)
        customer.sendgrid.set_options(segment_patch_wait_s=0)
        export = Exported(customer)
        list_id = customer.sendgrid.add_list("News")
        start = export.input(*NAMES, list=list_id, custom_fields={"lifetime_value": "lifetime_value"})
        customer.succeed(start)
        everybody = "SELECT contact_id, updated_at FROM contact_data"
        customer.change_segment(NAMES[HIGH_VALUE], {"query_dsl": everybody})
        customer.delete_segment(NAMES[READERS])
        customer.delete_field("lifetime_value")
        customer.rename_list(list_id, "Newsletter")
        notes = customer.succeed(start | {"dry_run": True})["plan"]["notes"]
        for text in (
            "the query of the segment 'High value users' was changed in SendGrid, so it shows other people",
            "the segment of the audience 'Newsletter readers' was deleted in SendGrid",
            "the custom field 'lifetime_value' was deleted in SendGrid, and its values with it",
            "the list 'News' is named 'Newsletter' in SendGrid now",
        ):
            assert any(text in note for note in notes), (text, notes)
        customer.succeed(start | {"repair_segments": True})
        customer.wait_until_equal(start, list_id)
        assert export.in_segment(HIGH_VALUE) == customer.lytics.members(HIGH_VALUE)
        assert export.in_segment(READERS) == customer.lytics.members(READERS)
