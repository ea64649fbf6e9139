"""The real sweep in the simulated world: nothing goes wrong, and each rule switched off does."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest

from tests.simulation.resync.rules import RULES, WORLD_RULES
from tests.simulation.resync.schedule import run_schedule

SCHEDULES = 150
MAX_SCHEDULES = 6_000
"""The rarest needs some hundred. A change of the product moves all draws."""


@contextmanager
def without(rule: str) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, attribute, replacement in RULES[rule].patches:
            stack.enter_context(patch.object(owner, attribute, replacement))
        yield


def test_nothing_goes_wrong() -> None:
    assert {seed: bad for seed in range(SCHEDULES) if (bad := run_schedule(seed)[0])} == {}


@pytest.mark.parametrize("rule", RULES)
def test_sweep_without_a_rule_goes_wrong(rule: str) -> None:
    bias, first = RULES[rule].bias, RULES[rule].first
    with without(rule):
        seed = next(
            (seed for seed in range(first, first + MAX_SCHEDULES) if run_schedule(seed, bias=bias)[0]), None
        )
    assert seed is not None, f"{MAX_SCHEDULES} schedules did not notice"
    assert run_schedule(seed, bias=bias)[0] == [], "the schedule goes wrong with all rules"


@pytest.mark.parametrize("rule", WORLD_RULES)
def test_scan_or_run_without_a_rule_goes_wrong(rule: str) -> None:
    off = frozenset({rule})
    seed = next((seed for seed in range(MAX_SCHEDULES) if run_schedule(seed, off)[0]), None)
    assert seed is not None, f"{MAX_SCHEDULES} schedules did not notice"
