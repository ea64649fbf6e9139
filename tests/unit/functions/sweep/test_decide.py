"""Who calibrates look-ups, who leaves, and who is in a sample."""

import random

from functions.sweep.decide import (
    CALIBRATION,
    SAMPLE,
    Reservoir,
    calibration,
    everybody_leaves,
    leavers_by_look_up,
)


def test_those_with_capitals_are_asked_first_and_each_audience_in_turn() -> None:
    samples = {
        "a": [(f"a{n}", False) for n in range(20)] + [("capital", True)],
        "b": [("b0", False)],
        "c": [],
    }
    chosen = calibration(samples)
    assert chosen[:4] == [("a", "capital"), ("a", "a0"), ("b", "b0"), ("a", "a1")]
    assert len(chosen) == CALIBRATION == 20


def test_nobody_calibrates_if_no_scan_has_shown_anybody() -> None:
    assert calibration({}) == []


def test_only_who_is_certainly_out_leaves() -> None:
    assert leavers_by_look_up({"in": True, "out": False, "unclear": None}) == ["out"]


def test_an_unclear_answer_of_a_sample_keeps_the_others() -> None:
    assert everybody_leaves({"a": False, "b": False})
    assert not everybody_leaves({"a": False, "b": None})
    assert not everybody_leaves({"a": False, "b": True})


def test_reservoir_keeps_everybody_up_to_its_size() -> None:
    reservoir = Reservoir((), 0)
    for number in range(SAMPLE):
        reservoir.offer(str(number), 0.5)
    assert reservoir.kept == [str(number) for number in range(200)]


def test_reservoir_is_a_fair_sample_over_two_invocations() -> None:
    chance = random.Random(7)
    late = 0
    for _ in range(50):
        first = Reservoir((), 0)
        for number in range(500):
            first.offer(str(number), chance.random())
        second = Reservoir(first.kept, 500)
        for number in range(500, 1_000):
            second.offer(str(number), chance.random())
        assert len(second.kept) == len(set(second.kept)) == SAMPLE
        late += sum(int(email) >= 500 for email in second.kept)
    assert 0.45 < late / (50 * SAMPLE) < 0.55
