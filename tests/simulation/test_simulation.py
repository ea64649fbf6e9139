"""Under every fault, SendGrid ends with the ledger's rows, and the ledger with the events' final state."""

import os
import subprocess
import sys

import pytest

from tests.local.build import REPOSITORY
from tests.simulation.__main__ import main
from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.runs import draw
from tests.simulation.scenario import Bias, Scenario
from tests.simulation.shrink import Case, case_of, shrunk

SCHEDULES, BY_PROGRAM = 850, 150
LARGE = 6
POISONED = 60
LISTS_GONE = 100


def divergence_of(scenario: Scenario, seed: int) -> str | None:
    divergence = case_of(scenario, seed).run().divergence
    return None if divergence is None else f"{divergence}: make simulate SEED={seed}"


def first_diverging(mutation: str, seeds: int) -> Case:
    for seed in range(seeds):
        case = case_of(draw(seed, MUTATIONS[mutation].bias), seed)
        if case.run().divergence is not None:
            return case
    pytest.fail(f"{seeds} schedules did not notice {mutation}")


def test_every_schedule_converges_under_faults() -> None:
    assert not [divergence for seed in range(SCHEDULES) if (divergence := divergence_of(draw(seed), seed))]


def test_large_schedules_converge() -> None:
    for seed in range(LARGE):
        assert divergence_of(draw(seed, Bias(large=1.0)), seed) is None


def test_crash_between_202_and_commit_loses_nothing() -> None:
    bias = Bias(only=(), always={"abandoned": 0.5, "stall": 0.2}, large=1.0)
    for seed in range(LARGE):
        assert divergence_of(draw(seed, bias), seed) is None


@pytest.mark.parametrize(
    "fault",
    [
        *("refused_connection", "busy", "server_error", "dropped_request", "lost_answer", "no_job_id"),
        *(
            "request_fault",
            "list_gone",
            "slow_answer",
            "job_failed",
            "job_late",
            "job_stuck",
            "job_forgotten",
            "job_unseen",
        ),
        *("dynamodb_refused", "dynamodb_lost", "unprocessed", "statement_refused", "send_refused"),
    ],
)
def test_fault_that_lasts_hours_does_not_fill_the_queue(fault: str) -> None:
    fixed = {"faults": 100_000, "faults_s": 20_000.0, "consumers": 3}
    bias = Bias(only=(), always={fault: 1.0}, contacts=1, spread_s=60.0, bad=0.0, events=(4,), fixed=fixed)
    outcome = case_of(draw(0, bias), 0).run()
    assert outcome.divergence is None
    assert outcome.most_queued < 60


def test_temporarily_missing_list_ends_with_all_its_contacts() -> None:
    bias = Bias(always={"list_gone": 0.3}, two_exports=1.0, fixed={"second_list": True})
    for seed in range(LISTS_GONE):
        assert divergence_of(draw(seed, bias), seed) is None


def test_poisonous_change_is_dead_lettered_alone() -> None:
    for seed in range(POISONED):
        scenario = draw(seed, Bias(poison=1.0))
        assert scenario.poison is not None
        assert divergence_of(scenario, seed) is None


def test_schedule_replays_identically() -> None:
    for seed in range(20):
        first, second = (case_of(draw(seed), seed).run(traced=True) for _ in range(2))
        assert first == second
        assert first.trace


def test_shrunk_case_still_diverges() -> None:
    with applied(MUTATIONS["drop_on_conflict"]):
        case = first_diverging("drop_on_conflict", 100)
        smallest = shrunk(case)
        outcome = smallest.run(traced=True)
        assert outcome.divergence is not None
        assert outcome == smallest.run(traced=True)
    assert smallest.run().divergence is None
    assert len(smallest.scenario.posts) <= 2
    assert sum(len(post.events) for post in smallest.scenario.posts) <= 2
    assert len(outcome.hits) <= 2


def test_program_explains_a_diverging_seed() -> None:
    with applied(MUTATIONS["arrival_order"]):
        seed = first_diverging("arrival_order", 200).seed
    printed: list[str] = []
    assert main({"SEED": str(seed), "MUTATION": "arrival_order"}, printed.append) == 1
    text = "".join(printed)
    assert "PUT" in text
    assert f"make simulate SEED={seed} MUTATION=arrival_order" in text
    assert "the events say" in text


def test_program_runs_schedules_on_several_cores() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.simulation"],
        cwd=REPOSITORY,
        env={**os.environ, "SCHEDULES": str(BY_PROGRAM), "WORKERS": "2", "FIRST": str(SCHEDULES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    printed = finished.stdout.splitlines()
    assert "150 of 150 schedules" in printed[-1]
    assert "0 divergences" in printed[-1]


def test_program_rejects_unknown_mutation() -> None:
    printed: list[str] = []
    assert main({"MUTATION": "nonsense"}, printed.append) == 2
    assert "no_version_condition" in printed[0]
