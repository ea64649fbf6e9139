"""How long AWS is waited for by whoever must have time left to put everything back."""

from typing import Final

from botocore.config import Config

TIMEOUTS: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
"""boto3's own 60 s, five times, would outlast an invocation, and its messages would count as received once more."""
