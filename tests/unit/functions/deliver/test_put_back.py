"""What cannot be finished is kept for over five days, whatever is in its way, and then left to the dead-letter queue."""

from collections.abc import Callable

import pytest

from functions.deliver.batch import Batch, Letter, Received, Summary
from functions.deliver.outbox import Outbox
from functions.deliver.put_back import Repacker
from lytics_sendgrid.queues.changes import MAX_HOPS
from tests.fakes import DelayedQueue, PassingTime
from tests.unit.functions.deliver.delivery_scene import entering

FIVE_DAYS_S = 5 * 86_400


def nothing_said(_batch: Batch, _summary: Summary, _now_s: float) -> None: ...


def rate_limited(batch: Batch, _summary: Summary, now_s: float) -> None:
    batch.until_epoch_s = now_s + 60


def rate_limit_is_over(batch: Batch, _summary: Summary, now_s: float) -> None:
    batch.until_epoch_s = now_s - 5


def stop_is_nearly_over(batch: Batch, _summary: Summary, _now_s: float) -> None:
    batch.letters[0].delay_s = 0.01


def stopped(_batch: Batch, summary: Summary, _now_s: float) -> None:
    summary.stopped["newsletter"] = "its list is gone"


SITUATIONS = [nothing_said, rate_limited, rate_limit_is_over, stop_is_nearly_over, stopped]


class Scene:
    def __init__(self, situation: Callable[[Batch, Summary, float], None]) -> None:
        self.queue, self.clock = DelayedQueue(), PassingTime()
        self.repacker = Repacker(Outbox(self.queue, DelayedQueue(), 900, 60), lambda: 0.0, self.clock)
        self.situation = situation

    def delay_s(self, hops: int) -> int | None:
        """Return how long a message waits, or None where it is not put back any more."""
        message = entering(["ann@example.org"], hops=hops)
        batch, summary = Batch([Letter(Received("m0", "", 1), message)]), Summary()
        self.situation(batch, summary, self.clock())
        self.queue.sent.clear()
        self.repacker.put_back(batch, summary)
        if not self.queue.sent:
            assert summary.failed == ["m0"]
            return None
        ((delay_s, _),) = self.queue.sent
        return delay_s


@pytest.mark.parametrize("situation", SITUATIONS)
def test_changes_are_kept_for_over_five_days(situation: Callable[[Batch, Summary, float], None]) -> None:
    scene = Scene(situation)
    delays = [scene.delay_s(hops) for hops in range(MAX_HOPS)]
    assert sum(delay_s or 0 for delay_s in delays) > FIVE_DAYS_S
    assert scene.delay_s(MAX_HOPS) is None


def test_changes_that_have_not_waited_long_go_on_as_soon_as_sendgrid_says() -> None:
    scene = Scene(rate_limited)
    assert {scene.delay_s(hops) for hops in range(100)} == {60}
    assert {scene.delay_s(hops) for hops in range(100, MAX_HOPS)} == {900}


def test_halves_of_suspects_are_at_least_a_batching_window_apart() -> None:
    queue = DelayedQueue()
    suspects = [Letter(Received(f"m{n}", "", 3), entering([f"p{n}@example.org"])) for n in range(2)]
    repacker = Repacker(Outbox(queue, DelayedQueue(), 1, 1), lambda: 0.0, PassingTime())
    repacker.part(suspects, Summary())
    assert [delay_s for delay_s, _ in queue.sent] == [0, 60]


@pytest.mark.parametrize(
    ("until_in_s", "jitter", "delay_s"),
    [(None, 0.0, 5), (None, 1.0, 7), (100.0, 0.5, 113), (0.5, 0.0, 1), (5_000.0, 0.0, 900)],
)
def test_the_wait_is_lengthened_by_up_to_a_quarter(
    until_in_s: float | None, jitter: float, delay_s: int
) -> None:
    queue, clock = DelayedQueue(), PassingTime()
    batch = Batch([Letter(Received("m0", "", 1), entering(["ann@example.org"]))])
    batch.until_epoch_s = None if until_in_s is None else clock() + until_in_s
    Repacker(Outbox(queue, DelayedQueue(), 900, 60), lambda: jitter, clock).put_back(batch, Summary())
    assert [one for one, _ in queue.sent] == [delay_s]
