"""The rules for runs of an export that lives, broken on purpose, one at a time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from functions.deliver import export_views, merge
from functions.deliver.rounds import Rounds
from lytics_sendgrid.sendgrid.row import row_form
from tests.simulation import broken, exports, schedule
from tests.simulation.mutation import Mutation
from tests.simulation.scenario import Bias

_RUNS: Final = Bias(only=(), contacts=2, bad=0.0, publishes=0.0, runs=1.0)
"""Few people in an export that lives. Nothing fails."""

RUN_MUTATIONS: Final[Mapping[str, Mutation]] = {
    "scan_has_the_time_of_its_page": Mutation(
        "a scan's rows win over exits that its page does not show yet",
        [(exports, "time_of", broken.page_time)],
        _RUNS,
    ),
    "old_events_count": Mutation(
        "events from before an audience was added again count",
        [(export_views, "row_form", broken.changed(row_form, broken.with_old_events))],
        _RUNS,
        first=28,
    ),
    "cleared_ids_stay": Mutation(
        "rows hold the ids of cleared audiences",
        [(export_views, "row_form", broken.changed(row_form, broken.with_cleared))],
        _RUNS,
    ),
    "clearing_does_not_wait": Mutation(
        "a clearing walks the ledger while consumers still have the older configuration",
        [(schedule, "CLEAR_DELAY_S", 0.0)],
        replace(_RUNS, spread_s=5.0, fixed={"publishes_s": (2.5,), "latency_s": 1.0}),
        first=555,
    ),
    "scanned_values_are_ignored": Mutation(
        "a scan corrects no field", [(merge, "_take_different", broken.nothing)], _RUNS
    ),
    "questions_are_delivered": Mutation(
        "a dry run sends and commits", [(Rounds, "answer", Rounds.deliver)], _RUNS
    ),
}
