"""An audience whose segment nobody has updated is swept by whatever start has it, and the plan says so."""

from dataclasses import replace
from typing import Any

import pytest

from functions.plan.facts import Facts
from functions.plan.planning import make_plan
from functions.plan.state import Beginning, planned_run
from lytics_sendgrid.domain.configuration import Account, AudienceState, Export, ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import CustomField, Segment
from lytics_sendgrid.workflow.export_run import ExportRun
from tests.newsletter import HIGH_VALUE, NEWSLETTER
from tests.unit.functions.plan.start_input import start_input

AUDIENCE = LyticsAudience(HIGH_VALUE, "High value users", "high_value_users", size=10)
BEGINNING = Beginning("r", "", "2026-11-26T00:00:00Z")
KEPT = ProvisionedAudience("lytics_segments", "s1", None, (), state=AudienceState.KEPT)
LIVE = replace(KEPT, exports=("other",), state=AudienceState.LIVE)
STOPPED = replace(LIVE, state=AudienceState.STOPPED)
CLEARED = replace(KEPT, state=AudienceState.CLEARED)
GUARD = (
    'more than 20 % of an audience, the guard can stop that: then start a resync with a higher "max_leavers'
)


def planned(known: ProvisionedAudience | None, export: Export | None = None, **keys: Any) -> ExportRun:
    audiences = {} if known is None else {HIGH_VALUE: known}
    facts = Facts(
        Account("default", 1, {"lytics_segments": "e1_T"}, audiences),
        export,
        listed=(AUDIENCE,),
        matches={"high_value_users": (AUDIENCE,)},
        schema={"email": "string", "first_name": "string", "last_name": "string"},
        jobs=(),
        fields=(CustomField("e1_T", "lytics_segments", "Text"),),
        lists=(),
        segments={"s1": Segment("s1", "High value users", None)} if known else {},
    )
    wanted = start_input({"export": "newsletter", "audiences": ["high_value_users"], **keys})
    plan, faults = make_plan(wanted, facts)
    assert faults == []
    return planned_run(BEGINNING, wanted, "default", facts, plan)


@pytest.mark.parametrize(
    ("known", "swept"), [(KEPT, True), (STOPPED, True), (LIVE, True), (CLEARED, False), (None, False)]
)
def test_new_export_sweeps_what_rows_hold_already(known: ProvisionedAudience | None, swept: bool) -> None:
    assert planned(known).again is swept


@pytest.mark.parametrize("known", [KEPT, STOPPED])
@pytest.mark.parametrize("export", [None, NEWSLETTER])
def test_frozen_audience_is_named_with_who_leaves_it(
    known: ProvisionedAudience, export: Export | None
) -> None:
    (note,) = (note for note in planned(known, export).plan.notes if "nobody has entered or left" in note)
    assert "were stopped: 'High value users'. People who have left the audiences" in note
    assert "are taken out in this run. If they are" in note
    assert GUARD in note
    (note,) = (note for note in planned(known, backfill=False).plan.notes if "nobody has entered" in note)
    assert "The next resync takes them out. If they are" in note


def test_lifted_guard_is_not_mentioned() -> None:
    (note,) = planned(KEPT, max_leavers_percent=100).plan.notes
    assert note.endswith("are taken out in this run")


@pytest.mark.parametrize("known", [LIVE, CLEARED, None])
def test_updated_or_empty_audience_needs_no_note(known: ProvisionedAudience | None) -> None:
    assert planned(known).plan.notes == ()
