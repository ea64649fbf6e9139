"""Settings of `settle`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleSettings:
    """The environment variables of ``settle``."""

    exports_table: str
