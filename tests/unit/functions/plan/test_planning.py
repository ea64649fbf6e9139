"""Audiences, segments, membership fields and limits in a plan that is made from facts alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.plan.audiences import segments_to_read
from functions.plan.estimate import estimate
from functions.plan.facts import Facts
from functions.plan.faults import refusal
from functions.plan.planning import Plan, make_plan
from functions.plan.state import Beginning, planned_run
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    AudienceState,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.errors import ExportRefused, InputInvalid, KeyRefused
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField, Segment, SingleSend, segment_query
from tests.unit.functions.plan.start_input import start_input

BEGINNING = Beginning("r", "", "2026-11-23T00:00:00Z")
SCHEMA = {"email": "string", "first_name": "string", "last_name": "string"}
OURS = CustomField("e1_T", "lytics_segments", "Text")


def identity(number: int) -> str:
    return f"{number:032x}"


def audience(number: int, name: str = "", **details: Any) -> LyticsAudience:
    return LyticsAudience(
        identity(number), name or f"Audience {number}", f"slug_{number}", size=10, **details
    )


FACTS = Facts(
    Account("main"),
    None,
    listed=(audience(1), audience(2)),
    matches={"one": (audience(1),)},
    schema=SCHEMA,
    jobs=(),
    fields=(),
    lists=(),
    segments={},
)
KNOWN = Account("main", 3, {"lytics_segments": "e1_T"})


def job(workflow: str, status: str) -> LyticsJob:
    return LyticsJob("j1", "Hosted", workflow, status, {}, (), {})


def plan(facts: Facts = FACTS, **document: Any) -> tuple[Plan, list[str]]:
    made, found = make_plan(start_input({"audiences": list(facts.matches), **document}), facts)
    return made, [fault.text for fault in found]


def faults(facts: Facts = FACTS, **document: Any) -> list[str]:
    return plan(facts, **document)[1]


def matched(*audiences: LyticsAudience) -> Facts:
    return replace(FACTS, matches={audience.id: (audience,) for audience in audiences})


def test_new_account_needs_everything() -> None:
    made, wrong = plan()
    assert wrong == []
    assert made.membership_fields == {"lytics_segments": None}
    assert [(segment.name, segment.field, segment.id) for segment in made.segments] == [
        ("Audience 1", "lytics_segments", None)
    ]


@pytest.mark.parametrize(
    ("candidates", "text"),
    [
        ((), "no audience of people with the id, slug or name 'Audience1': did you mean 'Audience 1'?"),
        ((audience(1, "A"), audience(2, "A")), "2 audiences in Lytics are named 'Audience1'"),
        (
            (LyticsAudience("xyz", "A", "a"),),
            "its id in Lytics is 'xyz' instead of 32 hexadecimal digits",
        ),
        ((audience(1, fault="field gone"),), "calls the audience 'Audience 1' invalid (field gone)"),
    ],
)
def test_unusable_audience_is_a_fault(candidates: tuple[LyticsAudience, ...], text: str) -> None:
    (fault,) = faults(replace(FACTS, matches={"Audience1": candidates}))
    assert text in fault


def test_ambiguous_audience_lists_five_ids() -> None:
    nameless = LyticsAudience(identity(0), "VIP", "", size=10)
    candidates = (nameless, *(audience(number, "VIP") for number in range(1, 7)))
    (fault,) = faults(replace(FACTS, matches={"VIP": candidates}))
    slugs = ", ".join(f"slug_{number} ({identity(number)})" for number in range(1, 5))
    assert fault.endswith(
        f"7 audiences in Lytics are named 'VIP': use the id of one of them: VIP ({identity(0)}), {slugs}"
    )


def test_malformed_audience_id_is_quoted_to_64_characters() -> None:
    (fault,) = faults(replace(FACTS, matches={"A": (LyticsAudience("x" * 100, "A", "a"),)}))
    assert f"its id in Lytics is '{'x' * 64}'" in fault


def test_unknown_audience_without_similar_name_has_no_suggestion() -> None:
    (fault,) = faults(replace(FACTS, matches={"qqq": ()}, listed=None))
    assert "copy it from Audiences in Lytics" in fault


def test_audience_named_twice_is_exported_once() -> None:
    made, wrong = plan(replace(FACTS, matches={"slug_1": (audience(1),), "Audience 1": (audience(1),)}))
    assert (len(made.audiences), wrong) == (1, [])
    assert "in the input more than once" in made.notes[0]


def test_two_audiences_with_one_name_are_refused() -> None:
    (fault,) = faults(matched(audience(1, "VIP"), audience(2, "vip")))
    assert "both named 'vip'" in fault


LISTS = (
    ContactList("l1", "News"),
    ContactList("l2", "news"),
    ContactList("l3", "Twin"),
    ContactList("l4", "Twin"),
)


@pytest.mark.parametrize(("wanted", "chosen"), [("l2", "l2"), ("News", "l1"), ("news", "l2")])
def test_list_is_chosen_by_id_or_name(wanted: str, chosen: str) -> None:
    made, wrong = plan(replace(FACTS, lists=LISTS), list=wanted)
    assert made.contact_list is not None
    assert (made.contact_list.id, wrong) == (chosen, [])


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("Twin", "2 lists in SendGrid are named 'Twin': use the id of one of them: l3, l4"),
        ("NEWS", "2 lists in SendGrid are named 'NEWS'"),
        ("Newz", "did you mean 'News'?"),
        ("qqqq", "create it in SendGrid first"),
    ],
)
def test_ambiguous_or_unknown_list_is_a_fault(wanted: str, text: str) -> None:
    made, (fault,) = plan(replace(FACTS, lists=LISTS), list=wanted)
    assert text in fault
    assert made.segments == ()


def test_ambiguous_list_lists_five_ids() -> None:
    lists = [ContactList(f"l{number}", "Twin") for number in range(1, 8)]
    (fault,) = faults(replace(FACTS, lists=lists), list="Twin")
    assert fault.endswith(
        "7 lists in SendGrid are named 'Twin': use the id of one of them: l1, l2, l3, l4, l5"
    )


@pytest.mark.parametrize("workflow", ["sendgrid_export_new", "sendgrid-export-new", "sendgrid_export"])
@pytest.mark.parametrize("status", ["running", "sleeping", "paused", "fault-2", "unknown"])
def test_live_hosted_export_is_refused_unless_adopted(workflow: str, status: str) -> None:
    facts = replace(FACTS, jobs=(job(workflow, status),))
    assert "End that job in Lytics" in faults(facts)[0]
    made, wrong = plan(facts, adopt=True)
    assert wrong == []
    assert "also writes lytics_segments" in made.notes[0]


def test_every_live_hosted_export_is_reported() -> None:
    jobs = [
        job("webhook_triggers", "running"),
        job("sendgrid_export", "completed"),
        job("sendgrid_export", "running"),
        job("sendgrid_export_new", "paused"),
    ]
    facts = replace(FACTS, jobs=jobs)
    assert [fault.partition("'Hosted' ")[2][:15] for fault in faults(facts)] == [
        "(job j1, runnin",
        "(job j1, paused",
    ]
    assert len(plan(facts, adopt=True)[0].notes) == 2


@pytest.mark.parametrize(
    ("workflow", "status"),
    [("sendgrid_export_new", status) for status in ("completed", "failed", "deleted", "deleting", "killed")]
    + [("webhook_triggers", "running"), ("sendgrid_import", "running")],
)
def test_other_lytics_jobs_are_ignored(workflow: str, status: str) -> None:
    assert faults(replace(FACTS, jobs=(job(workflow, status),))) == []


def test_foreign_membership_field_is_refused_unless_adopted() -> None:
    facts = replace(FACTS, fields=(OURS,))
    assert "that this product did not create" in faults(facts)[0]
    made, wrong = plan(facts, adopt=True)
    assert (made.membership_fields, wrong) == ({"lytics_segments": "e1_T"}, [])
    assert made.notes == (
        "the custom field 'lytics_segments' already exists and is taken over, as the input says",
    )
    assert faults(replace(facts, account=KNOWN)) == []


def test_field_created_before_a_crash_is_ours() -> None:
    pending = Account("main", 1, {"lytics_segments": None})
    assert faults(replace(FACTS, account=pending, fields=(OURS,))) == []


def test_field_deleted_and_recreated_by_others_is_foreign() -> None:
    again = replace(OURS, id="e9_T")
    assert "did not create" in faults(replace(FACTS, account=KNOWN, fields=(again,)))[0]
    assert "was deleted in SendGrid" in plan(replace(FACTS, account=KNOWN))[0].notes[0]


@pytest.mark.parametrize("field", [replace(OURS, type="Number"), replace(OURS, name="Lytics_Segments")])
def test_membership_field_of_wrong_type_or_name_is_refused(field: CustomField) -> None:
    (fault,) = faults(replace(FACTS, account=KNOWN, fields=(field,)), adopt=True)
    assert "and of type Text: rename the existing field in SendGrid" in fault


def test_31st_audience_gets_the_next_membership_field() -> None:
    made, wrong = plan(matched(*map(audience, range(31))))
    assert wrong == []
    assert list(made.membership_fields) == ["lytics_segments", "lytics_segments_1"]
    assert made.segments[29].field == "lytics_segments"
    assert made.segments[30].field == "lytics_segments_1"


def own(list_id: str | None = None, name: str = "Renamed") -> Segment:
    return Segment("s1", name, list_id)


def with_own(segment: Segment, *exports: str, made: bool = False) -> Facts:
    provisioned = ProvisionedAudience("lytics_segments", "s1", segment.list_id, exports, made=made)
    account = replace(KNOWN, audiences={identity(1): provisioned})
    return replace(FACTS, account=account, fields=(OURS,), segments={segment.id: segment}, lists=LISTS)


def test_renamed_own_segment_is_reused() -> None:
    made, wrong = plan(with_own(own(), "default"))
    assert wrong == []
    assert (made.segments[0].id, made.segments[0].name) == ("s1", "Renamed")


@pytest.mark.parametrize(
    ("exports", "made", "text"),
    [
        (("default", "one", "two"), True, "It is also the segment of another export (one, two)"),
        (("default",), False, "This product did not create it"),
        (("default",), True, 'put "delete_segments": true into the input'),
        ((), True, "on all contacts, but"),
    ],
)
def test_own_segment_cannot_move_to_another_list(exports: tuple[str, ...], made: bool, text: str) -> None:
    (fault,) = faults(with_own(own(), *exports, made=made), list="l1")
    assert "SendGrid cannot move a segment" in fault
    assert "on the list 'News'" in fault
    assert text in fault


@pytest.mark.parametrize(("exports", "made"), [(("default", "one"), True), (("default",), False)])
def test_segment_of_others_is_never_planned_to_be_deleted(exports: tuple[str, ...], made: bool) -> None:
    facts = with_own(own(), *exports, made=made)
    assert len(faults(facts, list="l1", delete_segments=True)) == 1


def test_segment_is_created_again_on_another_list_if_the_input_allows_it() -> None:
    made, wrong = plan(with_own(own(), "default", made=True), list="l1", delete_segments=True)
    (segment,) = made.segments
    assert (segment.name, segment.id, segment.replaces, wrong) == ("Renamed", None, "s1", [])
    full = replace(
        with_own(own(), "default", made=True),
        segments={"s1": own()} | {f"t{n}": Segment(f"t{n}", f"t{n}", None) for n in range(199)},
    )
    assert faults(full, list="l1", delete_segments=True) == []
    assert any("it is deleted and created again" in note for note in made.notes)
    run = planned_run(BEGINNING, start_input({"audiences": ["a"]}), "main", FACTS, made)
    assert (run.config.segments[0].replaces, run.config.segments[0].exists) == ("s1", False)


def test_deleted_segment_is_created_again() -> None:
    made, wrong = plan(replace(with_own(own(), "default"), segments={}))
    assert (made.segments[0].id, wrong) == (None, [])
    assert "the segment of the audience 'Audience 1' was deleted in SendGrid" in made.notes[0]


def test_changed_query_is_noticed_and_repaired_on_request() -> None:
    facts = with_own(replace(own(), query="SELECT contact_id FROM contact_data"), "default")
    made, wrong = plan(facts)
    assert (made.segments[0].repair, wrong) == (False, [])
    assert "the query of the segment 'Renamed' was changed in SendGrid" in made.notes[0]
    repaired, _ = plan(facts, repair_segments=True)
    assert repaired.segments[0].repair
    run = planned_run(BEGINNING, start_input({"audiences": ["a"]}), "main", facts, repaired)
    assert run.document()["config"]["segments"][0]["repair"]
    sound = with_own(
        replace(own(name="Audience 1"), query=segment_query("lytics_segments", identity(1))), "default"
    )
    made, _ = plan(sound, repair_segments=True)
    assert (made.segments[0].repair, made.notes) == (False, ())


@pytest.mark.parametrize("state", [state for state in AudienceState if state is not AudienceState.DELETING])
def test_changed_segment_is_noticed_whatever_became_of_its_audience(state: AudienceState) -> None:
    """A cleared audience's segment is used again, and with another query it shows other people."""
    facts = with_own(replace(own(), query="SELECT contact_id FROM contact_data"))
    known = replace(facts.account.audiences[identity(1)], state=state)
    facts = replace(facts, account=replace(KNOWN, audiences={identity(1): known}))
    for export in (None, EXPORT):
        notes = plan(replace(facts, export=export))[0].notes
        assert any("the query of the segment 'Renamed' was changed in SendGrid" in note for note in notes)
    assert any("is named 'Renamed' in SendGrid, and keeps that name" in note for note in plan(facts)[0].notes)
    assert any("restores it" in note for note in plan(facts, repair_segments=True)[0].notes)
    gone = plan(replace(facts, segments={}))[0].notes
    assert any("the segment of the audience 'Audience 1' was deleted in SendGrid" in note for note in gone)


def test_segment_that_this_product_is_deleting_is_not_said_to_be_changed() -> None:
    facts = with_own(replace(own(), query="SELECT contact_id FROM contact_data"))
    known = replace(facts.account.audiences[identity(1)], state=AudienceState.DELETING)
    facts = replace(facts, account=replace(KNOWN, audiences={identity(1): known}))
    for segments in (facts.segments, {}):
        assert plan(replace(facts, segments=segments))[0].notes == ()


def test_segment_of_a_scheduled_single_send_is_not_deleted() -> None:
    known = {
        identity(1): ProvisionedAudience("lytics_segments", "s1", None, ("default",), made=True),
        identity(9): ProvisionedAudience("lytics_segments", "s9", None, ("default",), made=True),
    }
    sends = (SingleSend("x", "Christmas", "scheduled", frozenset({"s9", "s1", "other"})),)
    facts = replace(
        FACTS,
        account=replace(KNOWN, audiences=known),
        fields=(OURS,),
        segments={"s1": own(), "s9": Segment("s9", "Old", None)},
        export=EXPORT,
        lists=LISTS,
        single_sends=sends,
    )
    (fault,) = faults(facts, delete_segments=True)
    assert "the scheduled Single Send 'Christmas' goes to the segment 'Old'" in fault
    assert faults(facts) == []
    assert faults(facts, delete_segments=True, removed_audiences="keep") == []
    assert len(faults(facts, delete_segments=True, list="News")) == 2


def test_audience_that_another_export_still_has_is_swept_only() -> None:
    known = ProvisionedAudience("lytics_segments", "s9", None, ("default", "other"))
    facts = replace(
        FACTS, account=replace(KNOWN, audiences={identity(9): known}), fields=(OURS,), export=EXPORT
    )
    made, _ = plan(facts)
    assert [audience.name for audience in made.swept_only] == ["Old"]
    for backfill in (True, False):
        wanted = start_input({"audiences": ["a"], "backfill": backfill})
        state = planned_run(BEGINNING, wanted, "main", facts, made).document()
        assert state["again"]
        assert [one["name"] for one in state["swept_only"]] == ["Old"]
        assert ("scans" in state) is backfill


def test_start_again_says_first_what_it_changes() -> None:
    made, _ = plan(replace(FACTS, export=EXPORT, notes=("another note",)))
    assert made.difference is not None
    assert [change.name for change in made.difference.audiences_removed] == ["Old"]
    assert made.notes[0].startswith("the audience 'Old' (number of people unknown) is removed")
    assert made.notes[-1] == "another note"
    run = planned_run(BEGINNING, start_input({"audiences": ["a"]}), "main", FACTS, made)
    assert run.document()["plan"]["difference"]["audiences_removed"][0]["becomes"] == "cleared"
    assert plan()[0].difference is None


def test_list_that_was_deleted_or_renamed_is_named() -> None:
    listed = replace(EXPORT, list_id="l7", list_name="Gone")
    (fault,) = faults(replace(FACTS, export=listed, lists=LISTS), list="Gone")
    assert "no list with the id or name 'Gone'" in fault
    assert "(the list 'Gone', to which the export's contacts went, was deleted in SendGrid)" in fault
    listed = replace(EXPORT, list_id="l1", list_name="Old name")
    notes = plan(replace(FACTS, export=listed, lists=LISTS), list="News")[0].notes
    assert any("the list 'Old name' is named 'News' in SendGrid now" in note for note in notes)


def test_segment_on_a_list_that_is_gone_says_so() -> None:
    (fault,) = faults(with_own(own("l9"), "default"))
    assert "on a list that SendGrid does not have any more (l9)" in fault


def named(query: str | None, list_id: str | None = None, **details: Any) -> Facts:
    segment = Segment("s7", "AUDIENCE 1", list_id, query, **details)
    return replace(FACTS, account=KNOWN, fields=(OURS,), segments={"s7": segment}, lists=LISTS)


def test_identical_segment_is_adopted() -> None:
    made, wrong = plan(named(segment_query("lytics_segments", identity(1)).lower()))
    assert (made.segments[0].id, wrong) == ("s7", [])


@pytest.mark.parametrize(
    ("query", "list_id"),
    [
        (None, None),
        (segment_query("lytics_segments", identity(2)), None),
        (segment_query("lytics_segments_1", identity(1)), None),
        (segment_query("lytics_segments", identity(1)), "l1"),
    ],
)
def test_other_segment_with_the_name_is_refused(query: str | None, list_id: str | None) -> None:
    (fault,) = faults(named(query, list_id))
    assert "already has a segment 'AUDIENCE 1', and it is not this audience's" in fault


def test_invalid_segment_is_not_adopted() -> None:
    query = segment_query("lytics_segments", identity(1))
    (fault,) = faults(named(query, validation="INVALID", error="no such column"))
    assert "is invalid in SendGrid (no such column)" in fault


def test_own_and_adoptable_segments_are_read() -> None:
    segments = [own(), Segment("s7", "AUDIENCE 1", None), Segment("s8", "Other", None)]
    owned = with_own(own(), "default").account
    assert segments_to_read([audience(1), audience(2)], Account("main"), segments) == ["s7"]
    assert segments_to_read([audience(1)], owned, segments) == ["s1"]
    assert segments_to_read([audience(1), audience(3, "Other")], owned, segments) == ["s1", "s8"]
    assert segments_to_read([audience(1)], owned, segments[1:]) == ["s7"]


def test_limits_count_existing_and_missing_resources() -> None:
    fields = tuple(CustomField(f"e{n}_T", f"field_{n}", "Text") for n in range(2, 501))
    segments = {f"s{n}": Segment(f"s{n}", f"Segment {n}", None) for n in range(200)}
    schema = {**SCHEMA, "city": "string"}
    facts = replace(FACTS, fields=fields, segments=segments, schema=schema)
    wrong = faults(facts, custom_fields={"city": "town"})
    assert (
        "holds 500 custom fields and this one has 499; 2 more are needed (lytics_segments, town)" in wrong[0]
    )
    assert "a SendGrid account holds 200 segments and this one has 200; 1 more are needed" in wrong[1]


def test_account_may_reach_its_limits() -> None:
    fields = tuple(CustomField(f"e{n}_T", f"field_{n}", "Text") for n in range(499))
    segments = {f"s{n}": Segment(f"s{n}", f"Segment {n}", None) for n in range(199)}
    assert faults(replace(FACTS, fields=fields, segments=segments)) == []


def test_field_limit_fault_names_ten_fields() -> None:
    names = [f"new_{number:02}" for number in range(11)]
    fields = tuple(CustomField(f"e{n}_T", f"field_{n}", "Text") for n in range(500))
    facts = replace(FACTS, fields=fields, schema={**SCHEMA, **dict.fromkeys(names, "string")})
    (fault,) = faults(facts, custom_fields={name: name for name in names})
    assert f"12 more are needed (lytics_segments, {', '.join(names[:9])}): delete fields" in fault


def test_account_beyond_limits_is_fine_if_nothing_is_missing() -> None:
    facts = replace(with_own(own(), "default"), schema={**SCHEMA, "city": "string"})
    fields = (OURS, *(CustomField(f"e{n}_T", f"field_{n}", "Text") for n in range(2, 502)))
    segments = {"s1": own(), **{f"x{n}": Segment(f"x{n}", f"Segment {n}", None) for n in range(200)}}
    assert faults(replace(facts, fields=fields, segments=segments), custom_fields={"city": "field_2"}) == []


EXPORT = Export(
    "default",
    "default",
    "main",
    3,
    "email",
    tuple(MappedField(name, name, name, FieldKind.TEXT, 50) for name in ("first_name", "last_name")),
    (Audience(identity(1), "A", "a"), Audience(identity(9), "Old", "old")),
)


def test_export_of_another_account_or_authorization_is_refused() -> None:
    assert faults(replace(FACTS, export=EXPORT)) == []
    for other in (replace(EXPORT, account="other"), replace(EXPORT, authorization="other")):
        assert "there is already an export 'default'" in faults(replace(FACTS, export=other))[0]


def renamed(present: str, *others: Segment, before: str = "Before") -> tuple[Plan, list[str]]:
    """Plan after 'Before' was renamed to 'Audience 1' in Lytics. Its segment is named ``present``."""
    facts = with_own(own(name=present), "default")
    export = replace(EXPORT, audiences=(Audience(identity(1), before, "slug_1"),))
    segments = {segment.id: segment for segment in (own(name=present), *others)}
    return plan(replace(facts, export=export, segments=segments))


def test_segment_of_a_renamed_audience_is_renamed() -> None:
    made, wrong = renamed("Before")
    (segment,) = made.segments
    assert (segment.id, segment.name, segment.rename_from, wrong) == ("s1", "Audience 1", "Before", [])
    assert "Its segment is renamed from 'Before' to 'Audience 1'" in made.notes[0]
    run = planned_run(BEGINNING, start_input({"audiences": ["a"]}), "main", FACTS, made)
    (config,) = run.document()["config"]["segments"]
    assert config == {"audience": identity(1), "field": "lytics_segments", "rename": True, "exists": True}


def test_segment_named_by_a_person_keeps_its_name() -> None:
    made, wrong = renamed("Christmas")
    (segment,) = made.segments
    assert (segment.name, segment.rename_from, wrong) == ("Christmas", None, [])
    assert "keeps the name 'Christmas', which it was given in SendGrid" in made.notes[0]


def test_segment_is_not_renamed_to_a_name_that_is_taken() -> None:
    made, wrong = renamed("Before", Segment("s2", "AUDIENCE 1", None))
    (segment,) = made.segments
    assert (segment.name, segment.rename_from, wrong) == ("Before", None, [])
    assert "SendGrid already has another segment 'AUDIENCE 1'" in made.notes[0]


def test_unchanged_audience_renames_nothing() -> None:
    made, wrong = renamed("Audience 1")
    assert (made.segments[0].rename_from, made.notes, wrong) == (None, (), [])
    made, wrong = renamed("Christmas", before="Audience 1")
    assert (made.segments[0].rename_from, wrong) == (None, [])
    assert made.notes == (
        "the segment of the audience 'Audience 1' is named 'Christmas' in SendGrid, and keeps that name",
    )


def test_only_the_case_of_a_name_changed_renames_the_segment() -> None:
    made, _ = renamed("AUDIENCE 1", before="AUDIENCE 1")
    assert (made.segments[0].name, made.segments[0].rename_from) == ("Audience 1", "AUDIENCE 1")


def test_unread_facts_cause_no_faults() -> None:
    unread = Facts(Account("main"), None, notes=("the token may not list jobs",))
    made, wrong = plan(unread, audiences=["one"], list="News")
    assert (wrong, made.notes) == ([], ("the token may not list jobs",))


def test_faults_of_one_class_raise_that_class() -> None:
    assert type(refusal([InputInvalid("a"), InputInvalid("b")])) is InputInvalid
    assert type(refusal([KeyRefused("a"), InputInvalid("b")])) is ExportRefused


@pytest.mark.parametrize(
    ("facts", "document", "places"),
    [
        (replace(FACTS, matches={"one": (audience(1),), "two": ()}), {}, ["/audiences/1"]),
        (matched(audience(1, "VIP"), audience(3), audience(2, "vip")), {}, ["/audiences/2"]),
        (FACTS, {"list": "Nowhere"}, ["/list"]),
        (replace(FACTS, jobs=(job("sendgrid_export", "running"),)), {}, ["/adopt"]),
        (replace(FACTS, fields=(OURS,)), {}, ["/adopt"]),
        (replace(FACTS, fields=(replace(OURS, type="Number"),)), {}, [""]),
        (FACTS, {"custom_fields": {"a/b": "x"}, "email_field": "b"}, ["/email_field", "/custom_fields/a~1b"]),
    ],
)
def test_each_fault_says_where_in_the_input_it_is(
    facts: Facts, document: dict[str, Any], places: list[str]
) -> None:
    _, found = make_plan(start_input({"audiences": list(facts.matches), **document}), facts)
    assert [fault.at for fault in found] in (places, places[::-1])


def test_refusal_lists_each_fault_once_and_counts_them() -> None:
    assert str(refusal([InputInvalid("a"), InputInvalid("a")], "start")) == (
        "The export cannot start, and nothing was changed. 1 fault:\n- a"
    )
    assert "2 faults:\n- a\n- b" in str(refusal([InputInvalid("a"), KeyRefused("b")]))


@pytest.mark.parametrize("letter", ["x", "ü", "名", "🏔", '"', "\\", "\n", "\x01"])
def test_refusal_of_many_or_long_faults_fits_a_cause(letter: str) -> None:
    message = str(refusal([ExportRefused(f"{n} " + letter * 300) for n in range(400)]))
    assert len(json.dumps({"errorMessage": message})) < 32_768 - 4_000
    assert message.endswith(" more")
    assert len(json.dumps(str(refusal([ExportRefused(letter * 50_000)])))) < 28_000


def test_estimate_grows_with_the_people_to_scan() -> None:
    small, large = estimate(10_000, 50, backfill=True), estimate(1_000_000, 4_000, backfill=True)
    assert small.minutes < large.minutes
    assert 0.7 < large.aws_dollars < 1.0
    without = estimate(1_000_000, 10_000, backfill=False)
    assert (without.aws_dollars, without.minutes) == (0.01, 3)
    assert estimate(1_000_000, 10_000, backfill=True).minutes > large.minutes


def test_audiences_that_only_other_exports_have_are_scanned_but_not_queued() -> None:
    made, _ = plan()
    other = Audience("f" * 32, "Only theirs", "only_theirs")
    swept = replace(made, swept_only=(other,))
    run = planned_run(BEGINNING, start_input({"audiences": ["a"]}), "main", FACTS, swept)
    assert (run.swept_only, run.scans_at_once) == ((other,), 2)
    assert {scan.id: scan.queues for scan in run.scans} == {
        **{audience.id: True for audience in made.audiences},
        other.id: False,
    }


def test_run_without_backfill_scans_nothing() -> None:
    made, _ = plan()
    wanted = start_input({"audiences": ["a"], "backfill": False})
    assert planned_run(BEGINNING, wanted, "main", FACTS, made).scans == ()
