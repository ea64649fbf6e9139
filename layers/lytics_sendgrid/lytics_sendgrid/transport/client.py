"""HTTP to one vendor: one session a process, explicit timeouts, transport faults as our errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

import requests
from urllib3 import Timeout
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import AnswerLost, ServiceUnavailable, StopRun
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.transport.session import Session, parts_of

CONNECT_TIMEOUT_S: Final = 3.05
"""Wait this long for each of the host's addresses. A body takes longer: see ``SLOW_LINE_BYTES_S``."""
SLOW_LINE_BYTES_S: Final = 500_000
"""The slowest line, bytes a second, on which a body must get through.

urllib3 keeps the connect timeout on the socket until the body is sent, so that timeout grows with the body:
to 14 s for 5.5 MB. The price: a dead host is noticed that much later."""
TIMEOUT_S: Final = 25.0
MAX_ANSWER_BYTES: Final = 50_000_000
"""The smallest function has memory for this. A page of 100 profiles is smaller unless fields hold half a
megabyte each."""


def escaped(value: str) -> str:
    """Return a value as one segment of a path."""
    return quote(value, safe="")


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's answer, whatever its status.

    Attributes:
        status: the HTTP status.
        headers: names in lower case.
        body: decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON values, or None if it is not JSON: error pages may be HTML.

        A value that Python's parser refuses costs only itself, as in a webhook body: see
        ``lenient_json.parse``.
        """
        try:
            return parse(self.body.decode(json.detect_encoding(self.body), "surrogatepass"))
        except ValueError:
            return None


class Http(Protocol):
    """HTTP to one vendor."""

    @property
    def base_url(self) -> str:
        """Without a trailing slash."""
        ...

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """See ``VendorHttp.request``."""
        ...


class VendorHttp:
    """One vendor's API.

    Attributes:
        base_url: without a trailing slash.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], clock: Clock) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = {"Accept": "application/json", **headers}
        self._clock = clock
        self._session = Session()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Send one request and return its answer, whatever its status. Redirects are not followed.

        Args:
            method: ``GET``, ``PUT``, …
            path: begins with ``/``; every value in it is already escaped.
            body: JSON as bytes, if any.
            query: parameters, escaped here.
            timeout_s: how long sending the body and receiving the answer may take together. An answer whose
                *head* drips may take longer: each wait for more of the head has what sending left of this
                time.

        Raises:
            StopRun: the request cannot be made at all: its URL is not one, or no HTTP header can carry the
                key.
            ServiceUnavailable: no connection was made, so nothing was sent.
            AnswerLost: the request may have been sent, and no complete answer came, or one that is too large.
                A broken TLS handshake counts, too.
        """
        until_s = self._clock.now() + timeout_s
        sending_s = 0.0 if body is None else len(body) / SLOW_LINE_BYTES_S
        headers = {**self._headers, "Content-Type": "application/json"} if body is not None else self._headers
        prepared = self._prepared(
            requests.Request(method, self.base_url + path, headers, data=body, params=query)
        )
        try:
            with self._session.send(
                prepared,
                timeout=Timeout(connect=CONNECT_TIMEOUT_S + sending_s, total=timeout_s),  # type: ignore[arg-type]  # it may be
                allow_redirects=False,
                stream=True,
            ) as response:
                received = bytearray()
                for part in parts_of(response, lambda: until_s - self._clock.now()):
                    received += part
                    if len(received) > MAX_ANSWER_BYTES:
                        raise AnswerLost(
                            f"{method} {path}: an answer of more than {MAX_ANSWER_BYTES:,} bytes"
                        )
        except (requests.exceptions.InvalidURL, LocationValueError) as error:
            raise _unsendable(error) from None
        except requests.exceptions.ConnectTimeout as error:
            raise ServiceUnavailable(f"{method} {path}: {type(error).__name__}") from error
        except (requests.RequestException, HTTPError, TimeoutError, ValueError) as error:
            if _was_never_connected(error):
                raise ServiceUnavailable(f"{method} {path}: connection refused") from error
            why = f"no complete answer in {timeout_s:g} s" if _came_too_late(error) else type(error).__name__
            raise AnswerLost(f"{method} {path}: {why}") from error
        headers_received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers_received, bytes(received))

    def _prepared(self, request: requests.Request) -> requests.PreparedRequest:
        """Return a request that can be sent: every fault of ours is found before anything leaves.

        Raises:
            StopRun: it cannot be sent. The message names no header's value, because that is a key.
        """
        try:
            prepared = self._session.prepare_request(request)
            self._session.get_adapter(str(prepared.url))
            for value in prepared.headers.values():
                value.encode("latin-1")
        except ValueError as error:
            raise _unsendable(error) from None
        return prepared


def _unsendable(error: Exception) -> StopRun:
    return StopRun(
        f"a request cannot be made ({type(error).__name__}), so nothing was sent. Check that the API key in "
        f"the secret is plain text in one line, and that the parameters SendGridUrl and LyticsUrl are URLs"
    )


def _came_too_late(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(error, ReadTimeoutError | TimeoutError) or isinstance(cause, ReadTimeoutError)


def _was_never_connected(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def json_body(document: Any) -> bytes:
    """Return JSON values as a request's body, in ASCII."""
    return json.dumps(document, separators=(",", ":")).encode()
