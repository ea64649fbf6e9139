"""The real sweep in the simulated world: nothing goes wrong, and each rule switched off does."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest

from tests.local.build import REPOSITORY
from tests.simulation.erasure_mutations import ERASURE_MUTATIONS
from tests.simulation.resync.lytics import Bias
from tests.simulation.resync.rules import RULES, Rule
from tests.simulation.resync.schedule import run_schedule
from tests.simulation.run_mutations import RUN_MUTATIONS

SCHEDULES = 150
MAX_SCHEDULES = 6_000
"""The rarest needs some hundred. A change of the product moves all draws."""


@contextmanager
def without(rule: Rule) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, attribute, replacement in rule.patches:
            stack.enter_context(patch.object(owner, attribute, replacement))
        yield


def test_nothing_goes_wrong() -> None:
    assert {seed: bad for seed in range(SCHEDULES) if (bad := run_schedule(seed).bad)} == {}


def test_two_runs_of_an_export_at_once_go_right() -> None:
    """One at a time is for a person who reads reports, not for the people in SendGrid."""
    overlaps = Bias(overlaps=True, operates=0.2)
    assert {s: bad for s in range(SCHEDULES) if (bad := run_schedule(s, bias=overlaps).bad)} == {}


def test_table_names_every_rule_and_its_switch() -> None:
    table = (REPOSITORY / "tests/simulation/README.md").read_text().partition("|---|")[2]
    quoted = set(re.findall(r'"([^"]+)"', table))
    mutations = set(re.findall(r"`MUTATION=(\w+)`", table))
    assert quoted == set(RULES)
    assert mutations == RUN_MUTATIONS.keys() | ERASURE_MUTATIONS.keys()
    tests = "".join(file.read_text() for file in (REPOSITORY / "tests").rglob("test_*.py"))
    assert not [name for name in re.findall(r"`(test_\w+)`", table) if f"def {name}(" not in tests]


@pytest.mark.parametrize("name", RULES)
def test_resync_without_a_rule_goes_wrong(name: str) -> None:
    rule = RULES[name]
    seeds = range(rule.first, rule.first + MAX_SCHEDULES)
    with without(rule):
        seed = next((seed for seed in seeds if run_schedule(seed, rule.off, rule.bias).bad), None)
    assert seed is not None, f"{MAX_SCHEDULES} schedules did not notice"
    assert run_schedule(seed, bias=rule.bias).bad == [], "the schedule goes wrong with all rules"
