"""The rules for erasures, broken on purpose, one at a time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from functions.deliver import erased
from functions.erase import erasing
from lytics_sendgrid.domain.erasure import Holds
from tests.simulation import broken, erasures
from tests.simulation.mutation import Mutation
from tests.simulation.scenario import Bias

_ERASURES: Final = Bias(only=(), contacts=1, bad=0.0, publishes=0.0, spread_s=60.0, erasures=1.0)
"""One person. Nothing fails."""

ERASURE_MUTATIONS: Final[Mapping[str, Mutation]] = {
    "holds_are_not_known": Mutation(
        "events from before an erasure bring the person back", [(Holds, "of", broken.nothing)], _ERASURES
    ),
    "exits_bring_back": Mutation(
        "an exit or a change after an erasure puts the address into SendGrid again",
        [(erased, "_brings_back", broken.yes)],
        _ERASURES,
    ),
    "erasure_is_believed_at_once": Mutation(
        "an erasure ends before earlier invocations and import jobs have",
        [(erasures, "CLEAR_DELAY_S", 0), (erasures, "REFRESH_DELAY_S", 1)],
        replace(_ERASURES, fixed={"job_max_s": 700.0}),
    ),
    "nothing_follows_the_deletion": Mutation(
        "who signs up again while SendGrid deletes is not sent again",
        [(erasing, "_refreshes", broken.empty)],
        replace(_ERASURES, fixed={"job_max_s": 700.0}),
        first=33,
    ),
    "returning_person_is_not_sent": Mutation(
        "a row that SendGrid has accepted before the erasure is not sent again",
        [(erased, "_kept", broken.as_it_is)],
        _ERASURES,
        first=1,
    ),
}
