"""Why an export's changes wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an export's changes wait.

    Attributes:
        reason: what happened and what to do, for a person.
        since_ms: when the attempt began whose requests were refused, milliseconds since 1970.
        until_ms: when the next attempt may be made.
    """

    reason: str
    since_ms: int
    until_ms: int
