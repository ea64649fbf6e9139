"""All rows are sent but those that SendGrid never answers, however small its requests must be."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.functions.deliver.test_upsert import Scene, row

INVOCATIONS = 100
"""A day has this many; changes are kept for over five days."""
TIME_S = 120.0


class World:
    """Invocations that send the undecided rows again and again."""

    def __init__(self, seed: int, duration_s: float) -> None:
        self.scene = Scene()
        self.scene.clock.chance = Random(seed).random
        self.sendgrid = self.scene.sendgrid
        self.sendgrid.duration_s = duration_s
        self.left: set[str] = set()
        self.most_requests = 0

    def invoke(self) -> None:
        before = len(self.sendgrid.requests)
        rows = [row(email) for email in sorted(self.left)]
        result = self.scene.run(rows, self.scene.clock.now_s + TIME_S)
        assert not result.refused
        assert result.fault is None
        self.left -= {key.removeprefix("acme#") for key in result.accepted}
        self.most_requests = max(self.most_requests, len(self.sendgrid.requests) - before)


def emails(count: int) -> list[str]:
    return [f"p{number}@example.org" for number in range(count)]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32), count=st.integers(1, 120))
def test_all_rows_but_the_unanswered_are_sent(data: st.DataObject, seed: int, count: int) -> None:
    bad = data.draw(st.sets(st.sampled_from(emails(count)), max_size=12))
    most = data.draw(st.sampled_from([1, 2, 40, 1_000]))

    def chokes(rows: Sequence[Mapping[str, Any]]) -> bool:
        return len(rows) > most or any(one["email"] in bad for one in rows)

    world = World(seed, data.draw(st.sampled_from([0.1, 1.0, 5.0])))
    world.sendgrid.chokes = chokes
    world.left = set(emails(count))
    for _ in range(INVOCATIONS):
        if world.left != bad:
            world.invoke()
    assert world.left == bad


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 300), st.sampled_from([0.1, 1.0, 25.0]))
def test_outage_costs_no_more_requests_with_more_rows(seed: int, count: int, duration_s: float) -> None:
    one, many = World(seed, duration_s), World(seed, duration_s)
    for world, waiting in ((one, 1), (many, count)):
        world.sendgrid.chokes = lambda _: True
        world.left = set(emails(waiting))
        for _ in range(20):
            world.invoke()
    assert len(many.left) == count
    assert many.most_requests <= one.most_requests + 3
