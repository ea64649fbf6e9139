"""The number of rows that may be rejected before the group of rows itself is considered bad."""

from typing import Final

MIN_REJECT_LIMIT: Final = 10
"""A group may always have this many rejected rows: one bad row of five does not make a bad group."""
