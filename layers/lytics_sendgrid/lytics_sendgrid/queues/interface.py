"""What those who decide know of a queue: that something can be put on it."""

from collections.abc import Iterable
from typing import Protocol


class Queue(Protocol):
    """A queue to write to."""

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None: ...  # noqa: D102
