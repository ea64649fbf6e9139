"""Settings of `deactivate`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateSettings:
    """The environment variables of ``deactivate``."""

    exports_table: str
    secret_prefix: str
    lytics_url: str
    webhook_base_url: str
