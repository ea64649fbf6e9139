"""Settings of `activate`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateSettings:
    """The environment variables of ``activate``."""

    exports_table: str
    secret_prefix: str
    lytics_url: str
    webhook_base_url: str
