"""Settings of `sweep`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """The environment variables of ``sweep``."""

    contacts_table: str
    exports_table: str
    changes_queue_url: str
    secret_prefix: str
    lytics_url: str
    verify_delay_s: int
