"""Changes that cannot be finished are kept for over five days, then left to the dead-letter queue."""

import pytest

from functions.deliver.intake import Leftover
from functions.deliver.invocation import Invocation, InvocationSummary
from functions.deliver.outbox import Outbox
from functions.deliver.received import ReceivedMessage
from functions.deliver.requeue import Requeuer
from lytics_sendgrid.queues.changes import MAX_HOPS
from tests.clock import ManualClock
from tests.doubles.adapters import queue_writer
from tests.doubles.sqs import Queue
from tests.unit.functions.deliver.example_changes import entering

FIVE_DAYS_S = 5 * 86_400


class Scene:
    """One message that cannot be finished.

    Attributes:
        retry_in_s: after what time SendGrid takes requests again, where it said so.
        stop_delay_s: how long the export's stop still lasts, if it began before.
        stopped: the invocation has stopped the export.
    """

    def __init__(
        self,
        *,
        retry_in_s: float | None = None,
        stop_delay_s: float | None = None,
        stopped: bool = False,
        chance: float = 0.0,
        refresh_delay_s: int = 900,
    ) -> None:
        self.queue = Queue("changes")
        writer, _ = queue_writer(self.queue)
        self.requeuer = Requeuer(Outbox(writer, writer, refresh_delay_s, 60))
        self.invocation = Invocation(ManualClock(chance=lambda: chance), 0.0, InvocationSummary())
        self.retry_in_s, self.stop_delay_s = retry_in_s, stop_delay_s
        if stopped:
            self.invocation.summary.stopped["newsletter"] = "its list is gone"

    def delay_s(self, hops: int) -> float | None:
        """Return how long the message waits; None: it is not requeued any more."""
        message = ReceivedMessage("m0", 1, entering(["ann@example.org"], hops=hops))
        leftover = Leftover(message, message.content.changes, uncertain=False, delay_s=self.stop_delay_s)
        now_s = self.invocation.clock.now()
        retry_epoch_s = None if self.retry_in_s is None else now_s + self.retry_in_s
        self.queue.messages.clear()
        self.invocation.summary.failed.clear()
        self.requeuer.requeue(self.invocation, [leftover], retry_epoch_s)
        if not self.queue.sent:
            assert self.invocation.summary.failed == ["m0"]
            return None
        ((delay_s, _),) = self.queue.sent
        return delay_s


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(Scene(), id="nothing known"),
        pytest.param(Scene(retry_in_s=60), id="rate limit"),
        pytest.param(Scene(retry_in_s=-5), id="rate limit over"),
        pytest.param(Scene(stop_delay_s=0.01), id="stop nearly over"),
        pytest.param(Scene(stopped=True), id="stopped"),
    ],
)
def test_changes_are_kept_for_over_five_days(scene: Scene) -> None:
    delays = [scene.delay_s(hops) for hops in range(MAX_HOPS)]
    assert sum(delay_s or 0 for delay_s in delays) > FIVE_DAYS_S
    assert scene.delay_s(MAX_HOPS) is None


def test_first_hundred_hops_wait_only_as_long_as_sendgrid_asks() -> None:
    scene = Scene(retry_in_s=60)
    assert {scene.delay_s(hops) for hops in range(100)} == {60}
    assert {scene.delay_s(hops) for hops in range(100, MAX_HOPS)} == {900}


def test_halves_of_suspects_are_at_least_a_batching_window_apart() -> None:
    scene = Scene(refresh_delay_s=1)
    suspects = [ReceivedMessage(f"m{n}", 3, entering([f"p{n}@example.org"])) for n in range(2)]
    scene.requeuer.part(scene.invocation, suspects)
    assert [delay_s for delay_s, _ in scene.queue.sent] == [0, 60]


@pytest.mark.parametrize(
    ("retry_in_s", "chance", "delay_s"),
    [(None, 0.0, 5), (None, 1.0, 7), (100.0, 0.5, 113), (0.5, 0.0, 1), (5_000.0, 0.0, 900)],
)
def test_jitter_lengthens_the_delay_by_up_to_a_quarter(
    retry_in_s: float | None, chance: float, delay_s: int
) -> None:
    assert Scene(retry_in_s=retry_in_s, chance=chance).delay_s(hops=0) == delay_s
