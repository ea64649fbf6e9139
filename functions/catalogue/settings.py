"""Settings of `catalogue`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSettings:
    """The environment variables of ``catalogue``."""

    console_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
