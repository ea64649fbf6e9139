"""Settings of `report`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """The environment variables of ``report``."""

    exports_table: str
    changes_dead_letter_queue_url: str
    imports_dead_letter_queue_url: str
    rejects_queue_url: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
