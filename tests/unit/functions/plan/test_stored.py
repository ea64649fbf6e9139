"""A resync and a stop are planned from the stored configuration."""

from dataclasses import replace
from typing import Any

from functions.plan.facts import StoredFacts
from functions.plan.input import ResyncInput, StopInput
from functions.plan.state import Beginning
from functions.plan.stored import no_such_export, plan_resync, plan_stop, stored_faults
from lytics_sendgrid.domain.configuration import Account, Audience, AudienceState, ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import JOB_DESCRIPTION
from lytics_sendgrid.sendgrid.resources import SingleSend
from lytics_sendgrid.workflow.export_run import ExportRun
from tests.newsletter import HIGH_VALUE, LAPSED, NEWSLETTER, READERS

BEGINNING = Beginning("run-1", "arn:run-1", "2026-11-23T00:00:00Z")
URL = "https://hooks.example.com/lytics/newsletter"
EXPORT = replace(NEWSLETTER, list_id="l1", list_name="News", lytics_job="j1")
DROPPED = "c" * 32
STOPPED = replace(EXPORT, stopped_s=1_795_000_000)
ACCOUNT = Account(
    "default",
    3,
    {"lytics_segments": "e9_T"},
    {
        HIGH_VALUE: ProvisionedAudience("lytics_segments", "s1", "l1", ("newsletter",)),
        READERS: ProvisionedAudience("lytics_segments", "s2", "l1", ("newsletter", "other")),
    },
)
LISTED = (
    LyticsAudience(HIGH_VALUE, "Best users", "best", size=10),
    LyticsAudience(READERS, "Newsletter readers", "newsletter_readers"),
    LyticsAudience(LAPSED, "Lapsed customers", "lapsed_customers", size=5),
)


def job(status: str) -> LyticsJob:
    return LyticsJob("j1", "Our job", "webhook_triggers", status, {"webhook_url": URL}, (), {})


FACTS = StoredFacts(ACCOUNT, LISTED, job("running"))


def resync(facts: StoredFacts = FACTS, **keys: Any) -> ExportRun:
    return plan_resync(BEGINNING, ResyncInput(action="resync", export="newsletter", **keys), EXPORT, facts)


def stop(facts: StoredFacts = FACTS, export: Any = EXPORT, **keys: Any) -> ExportRun:
    return plan_stop(BEGINNING, StopInput(action="stop", export="newsletter", **keys), export, facts)


def test_resync_has_the_stored_configuration_and_present_names() -> None:
    run = resync(audit=True)
    assert (run.action, run.backfill, run.dry_run, run.again) == ("resync", True, False, False)
    assert run.options.audit
    assert run.audiences[0] == Audience(HIGH_VALUE, "Best users", "best")
    assert [field.name for field in run.config.mapping] == [field.name for field in EXPORT.fields]
    assert run.config.contact_list is not None
    assert (run.config.contact_list.id, run.config.email_field) == ("l1", "email")
    assert [(s.audience, s.exists) for s in run.config.segments] == [(HIGH_VALUE, True), (READERS, True)]
    assert run.plan.people == 15
    assert run.plan.create.segments == ()
    assert run.activation is not None
    assert (run.activation.live, run.activation.job_id, run.activation.webhook_url) == (True, "j1", URL)
    assert ExportRun.read(run.document()) == run


def test_options_that_are_not_chosen_take_no_room() -> None:
    assert "options" not in resync().document()
    assert resync(max_leavers_percent=5).document()["options"] == {"max_leavers_percent": 5}


def test_resync_without_a_list_has_none() -> None:
    wanted = ResyncInput(action="resync", export="newsletter")
    assert plan_resync(BEGINNING, wanted, NEWSLETTER, FACTS).config.contact_list is None


def test_resync_names_audiences_that_lytics_cannot_scan() -> None:
    broken = (replace(LISTED[0], fault="field gone"), LISTED[1])
    invalid, gone = resync(replace(FACTS, listed=broken)).plan.notes
    assert "'High value users' is invalid in Lytics (field gone)" in invalid
    assert "'Lapsed customers' is gone in Lytics, so it is left as it is and nobody is taken out" in gone


def test_resync_says_that_no_event_arrives() -> None:
    (paused,) = resync(replace(FACTS, job=job("paused"))).plan.notes
    assert "webhook job 'Our job' (j1) is paused, so no event reaches the export" in paused
    run = resync(replace(FACTS, job=None))
    assert "no webhook job of the export 'newsletter'" in run.plan.notes[0]
    assert run.activation is not None
    assert (run.activation.live, run.activation.state) == (False, "NOT LIVE")


def test_resync_of_a_stopped_export_is_a_fault_and_a_stop_is_not() -> None:
    (fault,) = stored_faults(ResyncInput(action="resync", export="newsletter"), STOPPED, FACTS)
    assert "is stopped since 2026-11-18T" in fault.text
    assert "start it again" in fault.text
    assert fault.at == "/export"
    assert stored_faults(StopInput(action="stop", export="newsletter"), STOPPED, FACTS) == []
    assert stored_faults(ResyncInput(action="resync", export="newsletter"), EXPORT, FACTS) == []


def test_stop_deletes_no_segment_of_a_scheduled_single_send() -> None:
    sends = (SingleSend("x", "Christmas", "scheduled", frozenset({"s1", "s2"})),)
    wanted = StopInput(action="stop", export="newsletter", clear=True, delete_segments=True)
    made = {identity: replace(known, made=True) for identity, known in ACCOUNT.audiences.items()}
    facts = replace(FACTS, account=replace(ACCOUNT, audiences=made), single_sends=sends)
    (fault,) = stored_faults(wanted, EXPORT, facts)
    assert "the scheduled Single Send 'Christmas' goes to the segment 'High value users'" in fault.text
    assert fault.at == "/delete_segments"
    assert stored_faults(wanted, EXPORT, replace(FACTS, single_sends=sends)) == []


def dropped_earlier() -> StoredFacts:
    """Return facts with audiences that the export dropped, of which this product made two segments."""
    known = ProvisionedAudience(
        *("lytics_segments", "s3", "l1", ()), state=AudienceState.KEPT, made=True, dropped_by="newsletter"
    )
    others = {
        DROPPED: known,
        "d" * 32: replace(known, segment_id="s4", state=AudienceState.CLEARED),
        "e" * 32: replace(known, segment_id="s5", made=False),
        "f" * 32: replace(known, segment_id="s6", dropped_by="shop"),
    }
    listed = (*LISTED, LyticsAudience(DROPPED, "Dropped", "dropped", size=7))
    return replace(FACTS, listed=listed, account=replace(ACCOUNT, audiences={**ACCOUNT.audiences, **others}))


def test_removal_says_what_becomes_of_audiences_dropped_earlier() -> None:
    facts = dropped_earlier()
    assert stop(facts, clear=True).plan.notes == stop(clear=True).plan.notes
    note = stop(facts, clear=True, delete_segments=True).plan.notes[2]
    assert note == (
        "dropped earlier by the export 'newsletter', and of no export now: 'Dropped' (7 people), "
        f"'{'d' * 32}' (number of people unknown). Everybody who is still in them is taken out, "
        "then their segments, which this product made, are deleted"
    )


def test_removal_deletes_no_dropped_segment_of_a_single_send() -> None:
    sends = tuple(
        SingleSend(one, f"Send {one}", "scheduled", frozenset({one})) for one in ("s3", "s4", "s5", "s6")
    )
    wanted = StopInput(action="stop", export="newsletter", clear=True, delete_segments=True)
    texts = [
        fault.text for fault in stored_faults(wanted, EXPORT, replace(dropped_earlier(), single_sends=sends))
    ]
    assert len(texts) == 2
    assert "'Send s3' goes to the segment 'Dropped'" in texts[0]
    assert f"'Send s4' goes to the segment '{'d' * 32}'" in texts[1]


def test_unknown_export_is_a_fault_that_names_it() -> None:
    assert "there is no export 'newsleter', so there is nothing to stop" in no_such_export(
        "newsleter", "stop"
    )


def test_stop_says_what_becomes_of_each_audience() -> None:
    job_note, alone, shared = stop().plan.notes
    assert job_note == "Lytics' webhook job 'Our job' (j1, running) will be paused"
    assert "'High value users' (10 people), 'Lapsed customers' (5 people)" in alone
    assert "Their segments stay as they are now" in alone
    assert shared == (
        "shared with a live export: 'Newsletter readers' (number of people unknown), which the export "
        "'other' has, too. Their segments stay, and the other exports update them"
    )
    run = stop(clear=True)
    assert (run.action, run.backfill) == ("stop", False)
    assert "Everybody is taken out of them. The empty segments stay" in run.plan.notes[1]
    assert "automations" in stop(clear=True, delete_segments=True).plan.notes[1]


def test_stop_says_whether_another_export_is_stopped() -> None:
    facts = replace(FACTS, stopped_exports=frozenset({"other"}))
    shared = stop(facts).plan.notes[-1]
    assert shared.startswith("shared with a stopped export: 'Newsletter readers'")
    assert shared.endswith("until one of the exports is started again")
    assert stop(facts, clear=True).plan.notes[-1].endswith('stop those exports with "clear": true, too')
    assert (
        "leave at the next resync of the other export. If the guard stops" in stop(clear=True).plan.notes[-1]
    )


def test_stop_says_what_becomes_of_each_kind_of_job() -> None:
    ours = replace(job("running"), document={"description": JOB_DESCRIPTION})
    removed: dict[str, Any] = {"clear": True, "delete_segments": True}
    assert "will be deleted" in stop(replace(FACTS, job=ours), **removed).plan.notes[0]
    assert "will be paused, not deleted" in stop(**removed).plan.notes[0]
    by_hand = stop(replace(FACTS, job=replace(job("running"), id="j2"))).plan.notes[0]
    assert "(j2, running) was made by hand, so it is left" in by_hand


def test_stop_of_one_person_says_person() -> None:
    one = (replace(LISTED[0], size=1), *LISTED[1:])
    assert "'High value users' (1 person)" in stop(replace(FACTS, listed=one)).plan.notes[1]


def test_stop_of_a_stopped_export_says_so() -> None:
    first, second, *_ = stop(export=STOPPED).plan.notes
    assert "is stopped since" in first
    assert second.startswith("of the export 'newsletter' alone")


def test_stop_without_a_job_or_audiences_says_nothing_of_them() -> None:
    assert stop(replace(FACTS, job=None), replace(EXPORT, audiences=())).plan.notes == ()
