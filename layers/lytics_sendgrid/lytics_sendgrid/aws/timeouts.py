"""AWS timeouts for consumers that must keep time to requeue their messages."""

from typing import Final

from botocore.config import Config

TIMEOUTS: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
"""boto3's default, 60 s five times, would outlast the invocation, and its messages would be received
again."""
