"""Errors, grouped by what the caller must do.

    LyticsSendGridError
    ├── RetryLater                nothing is wrong with the work: do it again later
    │   ├── Throttled             429, or the vendor's back-off; carries the time to wait
    │   ├── ServiceUnavailable    5xx, connection refused, timeout before anything was sent
    │   ├── AnswerLost            the request may have worked: its answer did not arrive
    │   └── ConfigurationChanged  the account's configuration was written meanwhile: read it again
    └── StopRun                   an operator must act
        ├── ExportRefused         the plan found faults; the message lists all of them
        ├── InputInvalid          the input does not have the documented form
        ├── KeyRefused            a key or token was refused (401) or lacks a permission (403)
        ├── RequestRefused        the vendor refused the request itself (unknown field id, deleted list)
        ├── ScanStuck             a scan repeats its cursor or restarts endlessly
        └── SubscriptionRefused   Lytics refused the webhook job; the message says what to paste instead

Each adapter translates its library's errors in one place, with ``raise ... from``. Nothing above an adapter
sees a type of botocore or requests. Step Functions matches the class names in ``Retry`` and ``Catch``.
"""

from typing import Final

from lytics_sendgrid.bounded_text import shortened

MAX_MESSAGE_CHARS: Final = 24_000
"""The longest message, inside JSON. Step Functions cuts a cause at 32,768 characters, and a cause is JSON
that also holds the error's name and its stack trace."""


class LyticsSendGridError(Exception):
    """Base class of every error that this product raises on purpose. Its message always fits a cause."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message, MAX_MESSAGE_CHARS))


class RetryLater(LyticsSendGridError):
    """Nothing is wrong with the work: the caller keeps it and does it again later."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Throttled(RetryLater):
    """The vendor answered 429; ``retry_after_s`` is the wait it requested, if any."""


class ServiceUnavailable(RetryLater):
    """The service is down, or refused the request before it can have had an effect."""


class AnswerLost(RetryLater):
    """The request was sent but no answer arrived: it may have worked."""


class ConfigurationChanged(RetryLater):
    """The account's configuration was written after it was read: read it again and repeat."""


class StopRun(LyticsSendGridError):
    """An operator must act; the message says what is wrong, where, and what to do.

    ``at`` is a JSON pointer to the part of the export's input that is at fault; empty: none of its parts.
    """

    def __init__(self, message: str, *, at: str = "") -> None:
        super().__init__(message)
        self.at = at


class ExportRefused(StopRun):
    """The plan found faults; the message lists them, one a line."""


class InputInvalid(StopRun):
    """The input does not have the documented form."""


class KeyRefused(StopRun):
    """A key was refused. If ``lacks_permission``, it lacks only a permission: other requests may work."""

    def __init__(self, message: str, *, at: str = "", lacks_permission: bool = False) -> None:
        super().__init__(message, at=at)
        self.lacks_permission = lacks_permission


class RequestRefused(StopRun):
    """The vendor refused the request itself, whatever records it holds."""


class ScanStuck(StopRun):
    """A scan of an audience cannot finish: its cursor repeats, or it restarts endlessly."""


class SubscriptionRefused(StopRun):
    """Lytics refused the webhook job; the message says what to paste by hand."""
