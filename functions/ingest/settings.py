"""Settings of `ingest`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """The environment variables of ``ingest``."""

    changes_queue_url: str
    rejects_queue_url: str
    exports_table: str
    secret_prefix: str
