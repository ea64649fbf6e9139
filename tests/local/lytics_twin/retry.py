"""When Lytics retries a webhook, sleeps and fails (Lytics, "Webhooks", Error Handling; "Job Processing")."""

import dataclasses
import email.utils
import enum
from collections.abc import Collection

NEVER_RETRIED = frozenset({400, 404, 413})
FAILED_REQUESTS_BEFORE_SLEEP = 10
FIRST_SLEEP_S = 60.0
FAILS_AFTER_S = 2 * 3600.0


class Outcome(enum.StrEnum):
    """What an answer means for the sent events."""

    DELIVERED = "delivered"
    OMITTED = "omitted"
    RETRIED = "retried"


def judge(status: int | None, do_not_retry: Collection[int]) -> Outcome:
    """Interpret a status; None means that the connection failed or timed out.

    Only 200 is a success. Lytics documents that "non-200" is retried, and says nothing about 201, 202 and
    204.
    """
    if status == 200:
        return Outcome.DELIVERED
    if status in NEVER_RETRIED or status in do_not_retry:
        return Outcome.OMITTED
    return Outcome.RETRIED


def retry_after_s(value: str | None, wall_s: float) -> float | None:
    """Parse `Retry-After`, seconds or an HTTP date; None if it is absent or invalid."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - wall_s)


@dataclasses.dataclass(slots=True)
class Backoff:
    """Counts the failed requests of one job and derives its sleeps.

    Undocumented, therefore assumed: a success ends the streak, and each sleep allows ten more failures.
    """

    failures: int = 0
    faults: int = 0
    erring_since_s: float | None = None

    def succeed(self) -> None:
        self.failures = self.faults = 0
        self.erring_since_s = None

    def fail(self, now_s: float) -> float | None:
        """Count a failed request.

        Returns:
            Seconds to sleep; infinity if the job has failed for good; None to retry at once.
        """
        if self.erring_since_s is None:
            self.erring_since_s = now_s
        if now_s - self.erring_since_s >= FAILS_AFTER_S:
            return float("inf")
        self.failures += 1
        if self.failures < FAILED_REQUESTS_BEFORE_SLEEP:
            return None
        self.failures = 0
        self.faults += 1
        return FIRST_SLEEP_S * 2.0 ** (self.faults - 1)
