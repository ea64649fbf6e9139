"""Settings of `plan`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """The environment variables of ``plan``."""

    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
    webhook_base_url: str
