"""Settings of `provision`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionSettings:
    """The environment variables of ``provision``."""

    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
