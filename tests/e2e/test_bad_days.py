"""Runs that die, segments that are in use, audiences that are gone, and runs that have nothing to do."""

import time
from collections.abc import Iterator

import pytest

from lytics_sendgrid.domain.configuration import AudienceState
from tests.e2e.customer import Product
from tests.e2e.live_export import NAMES, PEOPLE, Exported, exported, move
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, LAPSED, READERS


@pytest.fixture
def export(product: Product) -> Iterator[Exported]:
    """Return an export of three audiences that is live."""
    with exported(product) as live:
        yield live


def abort(export: Exported, execution: str, state: str) -> None:
    """Stop an execution once it has entered a state, as a person can in the console."""
    customer = export.customer
    poll(lambda: state in customer.states(execution), state, 60.0, interval_s=0.1)
    customer.product.deployment.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    assert customer.end(execution).status == "ABORTED"


@pytest.mark.parametrize("state", ["WaitToClear", "WaitToSettle"])
def test_run_that_died_while_it_cleared_is_finished_by_the_next(export: Exported, state: str) -> None:
    customer = export.customer
    with customer.product.paused("deliver"):
        abort(export, customer.start(export.input(HIGH_VALUE, READERS)), state)
        assert LAPSED in export.account().to_clear
        assert export.in_segment(LAPSED)
    report = customer.succeed({"action": "resync", "export": customer.name})
    assert [cleared["name"] for cleared in report["cleared"]] == ["Lapsed customers"]
    assert any("stay, with nobody in them: 'Lapsed customers' (" in note for note in report["notes"])
    assert export.account().to_clear == {}
    export.wait_until_empty(LAPSED)
    export.wait_until_right(HIGH_VALUE, READERS)


def test_audience_is_right_if_it_is_added_again_before_its_clearing_ended(export: Exported) -> None:
    customer = export.customer
    with customer.product.paused("deliver"):
        abort(export, customer.start(export.input(HIGH_VALUE, READERS)), "WaitToSettle")
    time.sleep(1.0)  # Lytics dates its pages to the second: of one second, neither scan is the newer
    move(customer, silently=True)
    customer.succeed(export.input(*NAMES))
    export.wait_until_right(*NAMES)
    assert export.account().to_clear == {}


def test_segment_of_a_scheduled_single_send_is_not_deleted(export: Exported) -> None:
    customer, before = export.customer, export.account()
    customer.sendgrid.add_single_send("Christmas", [str(before.audiences[LAPSED].segment_id)])
    removal = {"action": "stop", "export": customer.name, "clear": True, "delete_segments": True}
    for run in (export.input(HIGH_VALUE, READERS, delete_segments=True), removal):
        refused = customer.run(run)
        assert refused.status == "FAILED"
        assert "the scheduled Single Send 'Christmas' goes to the segment 'Lapsed customers'" in refused.error
        assert "wait until it is sent or cancel it" in refused.error
        assert export.account() == before
        export.wait_until_right(*NAMES)
    customer.succeed(export.input(HIGH_VALUE, READERS))
    export.wait_until_empty(LAPSED)
    export.wait_until_right(HIGH_VALUE, READERS)
    assert NAMES[LAPSED] in customer.sendgrid.names()["segments"]


def test_single_send_scheduled_meanwhile_keeps_its_segment_until_sent(export: Exported) -> None:
    customer, known = export.customer, export.account().audiences[LAPSED]
    with customer.product.paused("deliver"):
        execution = customer.start(export.input(HIGH_VALUE, READERS, delete_segments=True))
        poll(lambda: "WaitToSettle" in customer.states(execution), "settle", 60.0, interval_s=0.1)
        send = customer.sendgrid.add_single_send("Late", [str(known.segment_id)])
    finished = customer.end(execution)
    assert finished.status == "SUCCEEDED", finished.error
    left = finished.output["notes"][0]
    assert left.startswith("the segment 'Lapsed customers' was left in SendGrid, with nobody in it")
    assert "the scheduled Single Send 'Late' goes to it. Once it is sent or cancelled, the next run" in left
    assert export.in_segment(LAPSED) == set()
    customer.sendgrid.end_single_send(send)
    report = customer.succeed({"action": "resync", "export": customer.name})
    assert any("segments were deleted: 'Lapsed customers'" in note for note in report["notes"])
    assert NAMES[LAPSED] not in customer.sendgrid.names()["segments"]
    assert LAPSED not in export.account().audiences
    export.wait_until_right(HIGH_VALUE, READERS)


def test_resync_of_an_export_that_has_none_is_refused_with_words(export: Exported) -> None:
    customer = export.customer
    unknown = customer.run({"action": "resync", "export": "unknown"})
    assert "there is no export 'unknown', so there is nothing to resync" in unknown.error
    with customer.product.paused("deliver"):
        customer.lytics.make_events(5)
        execution = customer.start(export.input(*NAMES))
        poll(lambda: "Settle" in customer.states(execution), "settle", 60.0, interval_s=0.1)
        name = execution.rpartition(":")[2]
        resync = {"action": "resync", "export": customer.name}
        running = customer.run(resync)
        assert f"another run of the export '{customer.name}' is under way: '{name}'" in running.error
        assert "Stopping a run is safe" in running.error
        skipped = customer.succeed(resync | {"scheduled": True})
        assert skipped["skipped"].startswith("This resync was skipped: another run of the export")
    assert customer.end(execution).status == "SUCCEEDED"
    export.stop()
    before = customer.ledger()
    move(customer, silently=True)
    stopped = customer.run(resync)
    assert "is stopped since" in stopped.error
    assert "start it again with its input, which also brings everybody up to date" in stopped.error
    for refused in (unknown, running, stopped):
        assert refused.status == "FAILED"
        assert "nothing was changed" in refused.error
    assert customer.ledger() == before


def test_audience_that_was_deleted_in_lytics_keeps_its_people(export: Exported) -> None:
    customer, before = export.customer, export.in_segment(LAPSED)
    customer.lytics.delete_audience(LAPSED)
    move(customer, silently=True)
    failed = customer.run({"action": "resync", "export": customer.name})
    assert failed.status == "FAILED"
    assert failed.error.startswith("AudiencesInTrouble")
    assert "- 'Lapsed customers': " in failed.error
    assert "start the export again without it" in failed.error
    assert "Nobody was taken out of their segments" in failed.error
    assert export.in_segment(LAPSED) == export.with_id(LAPSED) == before
    for audience in (HIGH_VALUE, READERS):
        assert export.in_segment(audience) == customer.lytics.members(audience)
    customer.succeed(export.input(HIGH_VALUE, READERS))
    export.wait_until_empty(LAPSED)
    export.wait_until_right(HIGH_VALUE, READERS)
    assert export.account().audiences[LAPSED].state is AudienceState.CLEARED


def test_short_scan_takes_nobody_out(export: Exported) -> None:
    customer, before = export.customer, {audience: export.in_segment(audience) for audience in NAMES}
    move(customer, silently=True)
    customer.lytics.set_faults(scan_total_offset=PEOPLE)
    resync = {"action": "resync", "export": customer.name, "max_leavers_percent": 100}
    failed = customer.run(resync)
    assert failed.error.startswith("AudiencesInTrouble")
    for audience, members in before.items():
        assert f"- '{NAMES[audience]}': Lytics counts " in failed.error
        assert members <= export.in_segment(audience)
    assert "Nobody was taken out of" in failed.error
    customer.lytics.set_faults(scan_total_offset=0)
    customer.succeed(resync)
    export.wait_until_right(*NAMES)


def test_look_ups_that_time_out_decide_nothing(export: Exported) -> None:
    customer = export.customer
    move(customer, silently=True)
    customer.lytics.set_faults(entity_timed_out=True)
    report = customer.succeed({"action": "resync", "export": customer.name})
    assert report["drift"]["extra"] > 0
    assert report["drift"]["doubt"] == "not_found"
    (note,) = [note for note in report["notes"] if "look-ups decided nothing" in note]
    assert "A second scan decided who has left" in note
    assert "ask Lytics' support" in note
    export.wait_until_right(*NAMES)
