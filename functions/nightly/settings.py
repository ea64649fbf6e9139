"""Settings of `nightly`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlySettings:
    """The environment variables of ``nightly``."""

    exports_table: str
    state_machine_arn: str
    audit_nights: int
