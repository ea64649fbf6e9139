"""Settings of `erase`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseSettings:
    """The environment variables of ``erase``; delays are in seconds."""

    contacts_table: str
    exports_table: str
    changes_queue_url: str
    secret_prefix: str
    sendgrid_url: str
    erasure_hold_days: int
    clear_delay_s: int
    refresh_delay_s: int
