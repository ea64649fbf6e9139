"""The calls that a double of an AWS client receives, and the faults that a test lets them meet."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from botocore.exceptions import ClientError


class Calls:
    """Keeps every call; raises an error where a test asks for one.

    Attributes:
        made: operation and request of each call, in order. Failed calls count.
        errors: operation to the error that each of its calls raises, while it is here. Nothing takes effect.
        broken: the error that every call raises, while it is set. Nothing takes effect.
        before: called with operation and request before a call takes effect; it may raise.
        after: called with the operation once a call has taken effect; where it raises, the answer is lost.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, Mapping[str, Any]]] = []
        self.errors: dict[str, Exception] = {}
        self.broken: Exception | None = None
        self.before: Callable[[str, Mapping[str, Any]], None] = lambda _operation, _request: None
        self.after: Callable[[str], None] = lambda _operation: None

    def received(self, operation: str, **request: Any) -> None:
        """Record a call, or raise the error that is set for it."""
        self.made.append((operation, request))
        self.before(operation, request)
        if error := self.broken or self.errors.get(operation):
            raise error

    def served(self, operation: str) -> None:
        """Let a call's answer go out, or be lost."""
        self.after(operation)

    def of(self, operation: str) -> list[Mapping[str, Any]]:
        """Return the requests of an operation."""
        return [request for name, request in self.made if name == operation]


def refusal(
    code: str, operation: str, status: Literal[400, 500, 503] = 400, message: str = ""
) -> ClientError:
    """Return the error that boto3 raises when AWS answers with an error code."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)
