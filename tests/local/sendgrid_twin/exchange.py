"""A request, its answer, and the pair as it is recorded."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

_BODIES = ("request_body", "answer_body")


class NotJsonError(ValueError):
    """The body of a request is not JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        path: As sent, without the query.
        query: By name; of a name that is given twice, the last.
        headers: By lower-cased name.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Self:
        """Build from the request line's target."""
        path, _, query = target.partition("?")
        return cls(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body)

    def json(self) -> Any:
        """Read the body.

        Raises:
            NotJsonError: It is not JSON, or is empty.
        """
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError) as error:
            raise NotJsonError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. A body of bytes is sent as it is, `None` as an empty one, anything else as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the body's bytes."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what it was answered, without the key.

    Attributes:
        endpoint: `METHOD /path/{template}`, or `METHOD (unknown)`.
        status: `None` when the connection was closed without an answer.
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
        """Write it for `/_twin/exchanges`; the bodies in base64."""
        return asdict(self) | {name: b64encode(getattr(self, name)).decode() for name in _BODIES}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Read what `/_twin/exchanges` answered."""
        return cls(**{**given, **{name: b64decode(given[name]) for name in _BODIES}})


def refusal(status: int, message: str, field_name: str | None = None) -> Answer:
    """Answer with an error of an endpoint: `field` is left out where there is none, as the descriptions ask."""
    error = {"message": message} if field_name is None else {"field": field_name, "message": message}
    return Answer(status, {"errors": [error]})


def general_error(status: int, message: str) -> Answer:
    """Answer with an error that comes from before any endpoint: its `field` is there, and null."""
    return Answer(status, {"errors": [{"field": None, "message": message}]})


def texts(value: object) -> list[str] | None:
    """Return a list of texts as it is; `None` for anything else."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return value
