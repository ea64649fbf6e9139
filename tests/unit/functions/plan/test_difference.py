"""What a start changes in an export that was there before."""

from dataclasses import replace
from typing import Any

from functions.plan.difference import Planned, difference
from functions.plan.facts import Facts
from functions.plan.fields import PlannedField
from lytics_sendgrid.domain.configuration import Account, Audience, Export, FieldKind, ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import ContactList
from lytics_sendgrid.workflow.limits import DIFFERENCE_BYTES, json_bytes
from lytics_sendgrid.workflow.plan_summary import Difference
from tests.newsletter import HIGH_VALUE, LAPSED, NEWSLETTER, READERS
from tests.unit.functions.plan.start_input import start_input

LISTED = (
    LyticsAudience(HIGH_VALUE, "High value users", "high_value_users", size=10),
    LyticsAudience(READERS, "Newsletter readers", "newsletter_readers", size=1),
    LyticsAudience(LAPSED, "Lapsed customers", "lapsed_customers"),
)
SAME = tuple(
    PlannedField(field.lytics, field.name, field.kind, field.is_custom, field.sendgrid)
    for field in NEWSLETTER.fields
)
NEWS = ContactList("l1", "News")
KEPT = LISTED[1:]
LTV = next(field for field in NEWSLETTER.fields if field.name == "lifetime_value")


def account(**audiences: tuple[str, ...]) -> Account:
    known = {
        identity: ProvisionedAudience("lytics_segments", f"s{n}", None, audiences.get(name, ("newsletter",)))
        for n, (name, identity) in enumerate(
            (("high_value", HIGH_VALUE), ("readers", READERS), ("lapsed", LAPSED))
        )
    }
    return Account("default", 1, {"lytics_segments": "e9_T"}, known)


def compared(
    *,
    audiences: tuple[LyticsAudience, ...] = LISTED,
    fields: tuple[PlannedField, ...] = SAME,
    contact_list: ContactList | None = None,
    export: Export | None = NEWSLETTER,
    known: Account | None = None,
    **keys: Any,
) -> tuple[Difference | None, list[str]]:
    facts = Facts(known or account(), export, listed=LISTED)
    wanted = start_input({"export": "newsletter", "audiences": ["a"], **keys})
    return difference(wanted, facts, Planned(audiences, fields, contact_list))


def changed(**changes: Any) -> tuple[Difference, str]:
    data, words = compared(**changes)
    assert data is not None
    return data, "\n".join(words)


def test_new_export_has_no_difference() -> None:
    assert compared(export=None) == (None, [])


def test_same_input_changes_nothing() -> None:
    data, words = changed()
    assert words == ""
    assert data == Difference(
        audiences_added=(),
        audiences_removed=(),
        fields_new=(),
        fields_stale=(),
        list_changed=False,
        email_field_changed=False,
    )
    assert compared(backfill=False)[1] == []


def test_removed_audience_is_named_with_its_people_and_what_becomes_of_it() -> None:
    data, words = changed(audiences=KEPT)
    (change,) = data.audiences_removed
    assert (change.name, change.people, change.becomes) == ("High value users", 10, "cleared")
    assert words.startswith("the audience 'High value users' (10 people) is removed: everybody is taken out")
    data, words = changed(audiences=KEPT, removed_audiences="keep")
    assert data.audiences_removed[0].becomes == "kept"
    assert "(1 person) is removed" in changed(audiences=(LISTED[0], LISTED[2]))[1]
    assert "(number of people unknown) is removed" in changed(audiences=LISTED[:2])[1]


def test_added_audience_is_named_with_its_people() -> None:
    export = replace(NEWSLETTER, audiences=(Audience(READERS, "Newsletter readers", "readers"),))
    nobody = account(high_value=(), lapsed=("other", "third"))
    data, words = changed(export=export, known=nobody)
    assert [(c.name, c.people, c.becomes) for c in data.audiences_added] == [
        ("High value users", 10, "added"),
        ("Lapsed customers", None, "added"),
    ]
    assert "'High value users' (10 people) is added: all of them enter its segment" in words
    assert "exists already, because each of the exports 'other', 'third' has the audience, too" in words
    one = account(high_value=("other",))
    assert "because the export 'other' has the audience" in changed(export=export, known=one)[1]
    _, words = changed(export=export, known=nobody, backfill=False)
    assert "Without a backfill, only people who enter it from now on are added to its segment" in words
    assert "without a backfill, this start scans nobody" in words


def test_field_that_nobody_fills_any_more_is_stale() -> None:
    fields = tuple(field for field in SAME if field.name != "lifetime_value")
    data, words = changed(fields=fields)
    assert data.fields_stale == ("lifetime_value",)
    assert "not updated any more: lifetime_value. SendGrid keeps their last values" in words
    shared = replace(account(), fields={"newsletter": (LTV.sendgrid,), "other": (LTV.sendgrid,)})
    data, words = changed(fields=fields, known=shared)
    assert data.fields_stale == ()
    assert "'lifetime_value' is not written by this export any more, but still by the export 'other'" in words


def test_new_field_is_filled_by_a_backfill_only() -> None:
    fields = (*SAME, PlannedField("visits", "visits", FieldKind.NUMBER, custom=True))
    data, words = changed(fields=fields)
    assert data.fields_new == ("visits",)
    assert "new fields: visits. The backfill fills them for everybody" in words
    assert "Without a backfill they stay empty for everybody" in changed(fields=fields, backfill=False)[1]


def test_other_source_of_a_field_is_named() -> None:
    fields = tuple(replace(field, lytics="town") if field.name == "city" else field for field in SAME)
    _, words = changed(fields=fields)
    assert "'city' now comes from the Lytics field 'town' instead of 'city': the backfill sends" in words
    assert "from each person's next change on" in changed(fields=fields, backfill=False)[1]


def test_other_list_is_named() -> None:
    data, words = changed(contact_list=NEWS)
    assert data.list_changed
    assert "now go to the list 'News' instead of no list. Nobody is taken off a list" in words
    listed = replace(NEWSLETTER, list_id="l2", list_name="Old")
    assert "now go to no list instead of the list 'Old'" in changed(export=listed)[1]


def test_other_email_field_is_named() -> None:
    data, words = changed(email_field="work_email")
    assert data.email_field_changed
    assert "identified by the Lytics field 'work_email' instead of 'email'" in words
    assert (
        "leaves the segments in this run. If they are more than 20 % of an audience, the guard can" in words
    )
    assert "at the next resync. If they are" in changed(email_field="work_email", backfill=False)[1]
    assert "guard" not in changed(email_field="work_email", max_leavers_percent=100)[1]


def test_long_difference_is_cut_and_says_so() -> None:
    old = tuple(Audience(f"{n:032x}", "\U0001f600" * 100, f"old_{n}") for n in range(200))
    fields = (*SAME, *(PlannedField(f"f{n}", f"f{n}", FieldKind.TEXT, custom=True) for n in range(300)))
    data, _ = changed(export=replace(NEWSLETTER, audiences=old), fields=fields)
    assert json_bytes(data.document()) <= DIFFERENCE_BYTES
    kept = len(data.audiences_removed) + len(data.audiences_added) + len(data.fields_new)
    assert data.left_out == 200 + 3 + 300 - kept
