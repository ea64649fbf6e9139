"""The simulation notices each broken rule of the protocol, and reports nothing if all rules hold."""

import pytest

from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.runs import draw
from tests.simulation.shrink import case_of

MAX_SCHEDULES = 4_000
"""The rarest needs a few hundred. A product change moves all draws, so this leaves a margin for bad luck."""


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_rule_is_noticed(name: str) -> None:
    mutation = MUTATIONS[name]
    seeds = range(mutation.first, mutation.first + MAX_SCHEDULES)
    cases = (case_of(draw(seed, mutation.bias), seed) for seed in seeds)
    with applied(mutation):
        found = ((case, case.run().divergence) for case in cases)
        noticed, divergence = next((each for each in found if each[1] is not None), (None, None))
    assert noticed is not None, f"{MAX_SCHEDULES} schedules did not notice: {mutation.breaks}"
    assert not str(divergence).startswith("a handler raised"), "the mutation does not fit the code any more"
    assert noticed.run().divergence is None, "the schedule diverges without the mutation"
