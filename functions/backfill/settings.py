"""Settings of `backfill`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillSettings:
    """The environment variables of ``backfill``."""

    changes_queue_url: str
    exports_table: str
    secret_prefix: str
    lytics_url: str
