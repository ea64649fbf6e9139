"""Request pages of a scan until Lytics answers or the invocation's time is up."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, Self

from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.lytics.documents import LyticsAudience, ScanPage

_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 60.0


class OutOfTimeError(Exception):
    """The invocation's time was spent waiting for a page."""


class Scanner(Protocol):
    """Where pages come from."""

    def audience(self, reference: str) -> LyticsAudience | None: ...  # noqa: D102

    def scan_page(  # noqa: D102
        self, audience_id: str, start: str, fields: Sequence[str], *, splits: str = "", rows: int = PAGE_ROWS
    ) -> ScanPage: ...


class Together(Protocol):
    """Requests that are open at the same time. As a context, it ends when none is."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...

    def __len__(self) -> int: ...

    def start(self, number: int, request: Callable[[], ScanPage]) -> None: ...  # noqa: D102

    def answered(self) -> tuple[int, ScanPage]: ...  # noqa: D102


class Pages:
    """One audience's pages. Several threads may request pages at the same time."""

    def __init__(self, scanner: Scanner, audience: str, deadline: Deadline) -> None:
        self._scanner = scanner
        self._audience = audience
        self._deadline = deadline
        self._given_up = False

    def give_up(self) -> None:
        """Stop retrying failed pages: another thread's answer has decided the scan."""
        self._given_up = True

    def page(
        self, cursor: str, fields: Sequence[str], *, splits: str = "", rows: int = PAGE_ROWS
    ) -> ScanPage:
        """Return a page.

        Raises:
            OutOfTimeError: all the time was spent waiting for it.
            RequestRefused: Lytics refuses the request, or its cursor.
            KeyRefused: Lytics refuses the token.
        """
        failures = 0
        while True:
            try:
                return self._scanner.scan_page(self._audience, cursor, fields, splits=splits, rows=rows)
            except RetryLater as error:
                failures += 1
                chance = self._deadline.clock.random()
                pause_s = backoff_s(failures, _FIRST_BACKOFF_S, _MAX_BACKOFF_S, chance)
                wanted_s = max(pause_s, error.retry_after_s or 0.0)
                left_s = self._deadline.left_s()
                self._deadline.clock.sleep(max(0.0, min(wanted_s, left_s)))
                if wanted_s >= left_s or self._given_up:
                    raise OutOfTimeError(str(error)) from error
