"""HTTP requests, answers, and recorded pairs of them."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

_BODIES = ("request_body", "answer_body")


class NotJsonError(ValueError):
    """A request body is not JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        path: The path as sent, without the query.
        query: Parameters by name. The last value wins if a name is repeated.
        headers: Headers by lower-cased name.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Self:
        """Build a request from the target of its request line."""
        path, _, query = target.partition("?")
        return cls(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body)

    def json(self) -> Any:
        """Parse the body.

        Raises:
            NotJsonError: The body is empty or not JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError) as error:
            raise NotJsonError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. A body of bytes is sent as is, `None` as an empty body, anything else as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, without the API key.

    Attributes:
        endpoint: `METHOD /path/{template}`, or `METHOD (unknown)`.
        status: The answer's status; `None` if the connection was closed without an answer.
    """

    endpoint: str
    method: str
    path: str
    query: Mapping[str, str]
    request_body: bytes
    status: int | None
    answer_headers: Mapping[str, str]
    answer_body: bytes

    def as_json(self) -> dict[str, Any]:
        """Return the exchange for `/_twin/exchanges`, with its bodies in base64."""
        return asdict(self) | {name: b64encode(getattr(self, name)).decode() for name in _BODIES}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Parse one exchange of `/_twin/exchanges`."""
        return cls(**{**given, **{name: b64decode(given[name]) for name in _BODIES}})


def refusal(status: int, message: str, field_name: str | None = None) -> Answer:
    """Return an endpoint's error. It omits `field` if none is to blame, as the OpenAPI documents require."""
    error = {"message": message} if field_name is None else {"field": field_name, "message": message}
    return Answer(status, {"errors": [error]})


def general_error(status: int, message: str) -> Answer:
    """Return an error from before any endpoint (such as 401): its `field` is null."""
    return Answer(status, {"errors": [{"field": None, "message": message}]})


def texts(value: object) -> list[str] | None:
    """Return the value if it is a list of strings; `None` otherwise."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return value
