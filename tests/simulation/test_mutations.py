"""The simulation notices each rule of the protocol that is broken, and nothing if none is."""

import pytest

from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.scenario import draw
from tests.simulation.shrink import case_of

MOST_SCHEDULES = 4_000
"""The rarest needs some hundreds. A change of the product moves all draws; bad luck must not fail this."""


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_rule_is_noticed(name: str) -> None:
    mutation = MUTATIONS[name]
    cases = (case_of(draw(seed, mutation.bias), seed) for seed in range(MOST_SCHEDULES))
    with applied(mutation):
        noticed = next((case for case in cases if case.run().divergence is not None), None)
    assert noticed is not None, f"{MOST_SCHEDULES} schedules do not notice that {mutation.breaks}"
    assert noticed.run().divergence is None, "the schedule diverges though the protocol is whole"
