"""The interface of a queue, free of I/O."""

from collections.abc import Iterable
from typing import Protocol


class Queue(Protocol):
    """A queue to write to."""

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None: ...  # noqa: D102
