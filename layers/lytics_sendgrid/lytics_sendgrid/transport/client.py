"""HTTP to one vendor: one session a process, explicit time-outs, and transport faults as our errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
from urllib3 import Timeout
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from lytics_sendgrid.errors import AnswerLost, ServiceUnavailable
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.transport.connection import Body, vendor_session

CONNECT_TIMEOUT_S: Final = 3.05
TIMEOUT_S: Final = 25.0
MAX_ANSWER_BYTES: Final = 50_000_000
"""What the smallest function has memory for. A page of 100 profiles has less, but for fields of half a megabyte each."""
_PART_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's answer, of whatever status.

    Attributes:
        status: the HTTP status.
        headers: names in lower case.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON values, or None where it is not JSON: error pages may be HTML.

        A value that Python's parser refuses costs only itself, as in a webhook's body: see ``lenient_json.parse``.
        """
        try:
            return parse(self.body.decode(json.detect_encoding(self.body), "surrogatepass"))
        except ValueError:
            return None


class VendorHttp:
    """One vendor's API.

    Attributes:
        base_url: without a slash at its end.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], session: requests.Session | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._session = session or vendor_session()
        self._headers = {"Accept": "application/json", **headers}

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Send one request and return its answer, whatever its status; redirects are not followed.

        Args:
            method: ``GET``, ``PUT``, …
            path: begins with ``/``; every value in it already escaped.
            body: JSON as bytes, if any.
            query: parameters, escaped here.
            timeout_s: how long it may take, connecting apart: sending the body, and the whole answer.

        Raises:
            ServiceUnavailable: the request was not sent: nobody is there.
            AnswerLost: it was sent, and no whole answer came, or one that is too large; or TLS broke, before it was sent
                or after.
        """
        headers = {**self._headers, "Content-Type": "application/json"} if body is not None else self._headers
        try:
            with self._session.request(
                method,
                self.base_url + path,
                params=query,
                data=None if body is None else Body(body, timeout_s),  # type: ignore[arg-type]  # it is a buffer
                headers=headers,
                timeout=Timeout(connect=CONNECT_TIMEOUT_S, total=timeout_s),  # type: ignore[arg-type]  # it may be
                allow_redirects=False,
                stream=True,
            ) as response:
                body_received = _body_of(response)
        except requests.exceptions.ConnectTimeout as error:
            raise ServiceUnavailable(f"{method} {path}: {type(error).__name__}") from error
        except (requests.RequestException, ValueError) as error:  # requests lets some of urllib's pass
            if _was_never_connected(error):
                raise ServiceUnavailable(f"{method} {path}: connection refused") from error
            why = f"no whole answer in {timeout_s:g} s" if _came_too_late(error) else type(error).__name__
            raise AnswerLost(f"{method} {path}: {why}") from error
        if body_received is None:
            raise AnswerLost(f"{method} {path}: an answer of more than {MAX_ANSWER_BYTES:,} bytes")
        return Answer(
            response.status_code, {k.lower(): v for k, v in response.headers.items()}, body_received
        )


def _body_of(response: requests.Response) -> bytes | None:
    """Return an answer's body, unpacked; None where it is too large. Read to its end, its connection is kept."""
    parts, size = [], 0
    for part in response.iter_content(_PART_BYTES):
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _came_too_late(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, ReadTimeoutError)


def _was_never_connected(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def json_body(document: Any) -> bytes:
    """Write JSON values as a request's body, in ASCII."""
    return json.dumps(document, separators=(",", ":")).encode()
