"""Settings of `inspect`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectSettings:
    """The environment variables of ``inspect``."""

    contacts_table: str
    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
    no_audience_value: str
    deliver_mapping: str
    webhook_base_url: str
