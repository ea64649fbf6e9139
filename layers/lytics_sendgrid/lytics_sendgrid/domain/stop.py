"""Why an export's changes wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an export's changes wait.

    Attributes:
        reason: in words, with what to do.
        since_ms: when the try began that found its requests at fault, milliseconds since 1970.
        until_ms: when the next try may be made.
    """

    reason: str
    since_ms: int
    until_ms: int
