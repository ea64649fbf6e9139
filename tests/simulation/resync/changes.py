"""A change on the simulated queue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queued:
    """A change on the queue, from ``ready`` on. ``run`` is the minute when the run that queued it began."""

    ready: int
    email: str
    audience: str
    time: int
    kind: str
    version: int
    run: int | None = None
    left: int | None = None
