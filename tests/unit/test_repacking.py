"""What is left of a batch is put back after a while that differs from one batch to the next."""

import pytest

from lytics_sendgrid.delivery_batch import Batch, Letter, Received, Summary
from lytics_sendgrid.outbox import Outbox
from lytics_sendgrid.repacking import Repacker
from tests.fakes import DelayedQueue
from tests.unit.delivery_scene import entering

NOW_S = 1_000.0


@pytest.mark.parametrize(
    ("until_epoch_s", "jitter", "delay_s"),
    [
        (None, 0.0, 5),
        (None, 1.0, 7),
        (NOW_S + 100, 0.5, 113),
        (NOW_S + 0.5, 0.0, 1),
        (NOW_S - 100, 0.0, 1),
        (NOW_S + 5_000, 0.0, 900),
    ],
)
def test_the_wait_is_lengthened_by_up_to_a_quarter(
    until_epoch_s: float | None, jitter: float, delay_s: int
) -> None:
    changes = DelayedQueue()
    batch = Batch([Letter(Received("m0", "", 1), entering(["ann@example.org"]))])
    batch.until_epoch_s = until_epoch_s
    repacker = Repacker(Outbox(changes, DelayedQueue(), 900, 60), lambda: jitter, lambda: NOW_S)
    repacker.put_back(batch, Summary())
    assert [one for one, _ in changes.sent] == [delay_s]
