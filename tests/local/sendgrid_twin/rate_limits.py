"""Rate limits per endpoint and period, and their headers."""

import math
from dataclasses import dataclass

from tests.local.sendgrid_twin.exchange import Answer, general_error
from tests.local.sendgrid_twin.situation import Situation


@dataclass(slots=True)
class _Window:
    limit: int
    ends_s: float
    used: int = 0


class RateLimits:
    """Counts requests by endpoint. SendGrid does not publish limits for the marketing endpoints."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._windows: dict[str, _Window] = {}

    def take(self, endpoint: str) -> bool:
        """Count one request; `False` if the limit was already reached."""
        now = self._situation.now()
        limits = self._situation.options.limits
        limit, period_s = limits.get(endpoint) or limits.get("*") or (6_000, 60.0)
        window = self._windows.get(endpoint)
        if window is None or now >= window.ends_s or window.limit != limit:
            window = self._windows[endpoint] = _Window(limit, now + period_s)
        if window.used >= window.limit:
            return False
        window.used += 1
        return True

    def headers(self, endpoint: str) -> dict[str, str]:
        """Return the headers that every answer carries."""
        window = self._windows.get(endpoint)
        if window is None:
            return {}
        return rate_limit_headers(window.limit, window.limit - window.used, window.ends_s)


def rate_limit_headers(limit: int, remaining: int, reset_s: float) -> dict[str, str]:
    """Return the headers. The reset is in epoch seconds, rounded up."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(math.ceil(reset_s)),
    }


def too_many_requests() -> Answer:
    """Return a 429 with the documented body."""
    return general_error(429, "too many requests")
