"""Settings of `clear`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSettings:
    """The environment variables of ``clear``."""

    contacts_table: str
    exports_table: str
    changes_queue_url: str
    secret_prefix: str
    sendgrid_url: str
    clear_delay_s: int
