"""How many rows may be rejected before the batch, and not its rows, is taken to be bad."""

from typing import Final

MIN_REJECT_LIMIT: Final = 10
"""Up to so many rows a batch may be rejected whatever the share: one in a batch of five is no sign of a bad batch."""
