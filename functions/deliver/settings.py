"""Settings of `deliver`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverSettings:
    """The environment variables of ``deliver``; delays are in seconds."""

    changes_queue_url: str
    imports_queue_url: str
    contacts_table: str
    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    no_audience_value: str
    refresh_delay_s: int
    confirm_delay_s: int
    stop_retry_s: int
    configuration_cache_s: int
    rejected_percent_limit: float
