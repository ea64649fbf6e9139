"""Errors by what the caller must do about them.

    LyticsSendGridError
    ├── RetryLater              nothing is wrong with the work; do it again later
    │   ├── Throttled           429, or the vendor's back-off; carries when to go on
    │   ├── ServiceUnavailable  5xx, connection refused, time-out before anything was sent
    │   ├── AnswerLost          the request may have worked: its answer did not arrive
    │   └── ConfigurationChanged  somebody else wrote the account's configuration meanwhile: read it again
    └── StopRun                 an operator must act
        ├── ExportRefused       the plan found faults: all of them are in the message
        ├── InputInvalid        the execution's input is not of the documented form
        ├── KeyRefused          a key or token was refused (401) or lacks a permission (403)
        ├── RequestRefused      the vendor refused the request itself (unknown field id, list gone)
        ├── ScanStuck           a scan repeats its cursor or restarts without end
        └── SubscriptionRefused Lytics would not take the webhook job; says what to paste instead

Adapters translate library errors into these in one place with ``raise ... from``; nothing above an adapter sees
a botocore or requests type. The class names are what Step Functions matches in ``Retry`` and ``Catch``.
"""


class LyticsSendGridError(Exception):
    """Base of every error that this project raises on purpose."""


class RetryLater(LyticsSendGridError):
    """Nothing is wrong with the work: the caller keeps it and does it again later."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Throttled(RetryLater):
    """The vendor said 429; ``retry_after_s`` is the wait that it asked for, where it did."""


class ServiceUnavailable(RetryLater):
    """The other side is down or refused before the work can have been done."""


class AnswerLost(RetryLater):
    """The request was sent and its answer did not arrive: it may have worked."""


class ConfigurationChanged(RetryLater):
    """Somebody else wrote the account's configuration since it was read: read it again and repeat."""


class StopRun(LyticsSendGridError):
    """An operator must act; the message says what was wrong, where, and what to do."""


class ExportRefused(StopRun):
    """The plan found faults; the message lists all of them, one a line."""


class InputInvalid(StopRun):
    """The execution's input is not of the documented form."""


class KeyRefused(StopRun):
    """A key was refused, or it lacks a permission: then ``lacks_permission`` is true and other requests may work."""

    def __init__(self, message: str, *, lacks_permission: bool = False) -> None:
        super().__init__(message)
        self.lacks_permission = lacks_permission


class RequestRefused(StopRun):
    """The vendor refused the request itself, whatever its records are."""


class ScanStuck(StopRun):
    """A scan of an audience cannot be finished: its cursor repeats, or it restarts without end."""


class SubscriptionRefused(StopRun):
    """Lytics would not take the webhook job; the message says what to paste by hand."""
