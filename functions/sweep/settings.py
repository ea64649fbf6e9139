"""Settings of `sweep`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """The environment variables of ``sweep``."""

    lytics_url: str
    verify_delay_s: int
