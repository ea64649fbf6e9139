"""Settings of `confirm`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSettings:
    """The environment variables of ``confirm``; delays are in seconds."""

    changes_queue_url: str
    imports_queue_url: str
    imports_dead_letter_queue_url: str
    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    refresh_delay_s: int
    confirm_delay_s: int
