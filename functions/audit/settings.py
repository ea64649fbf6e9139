"""Settings of `audit`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The environment variables of ``audit``."""

    contacts_table: str
    exports_table: str
    changes_queue_url: str
    secret_prefix: str
    sendgrid_url: str
    no_audience_value: str
    refresh_delay_s: int
