"""Settings of `watch`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """The environment variables of ``watch``."""

    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
    webhook_base_url: str
    state_machine_arn: str
    restart_webhook_jobs: str
