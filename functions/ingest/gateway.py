"""API Gateway's proxy events: the request that ingest reads and the response that it writes.

The event: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html (read 2026-11-23).
"""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SECRET_HEADER: Final = "x-lytics-secret"  # noqa: S105 - its name


MAX_UNPACKED_BYTES: Final = 10_485_760
"""What API Gateway allows a request. A gzip'd body may not unpack to more: a small one could fill the
memory."""
_GZIP: Final = b"\x1f\x8b"
_DAMAGED_GZIP: Final = "\x1f\ufffd"
"""The same bytes after API Gateway took them for text."""


class UnpackedTooLarge(Exception):
    """A gzip'd body unpacks to more than API Gateway allows a request."""


class NotText(ValueError):
    """A body is not text. The message says what it is instead."""


@dataclass(frozen=True, slots=True, repr=False)
class WebhookRequest:
    """One POST from Lytics. It has no ``repr``, because it holds the secret and people's data.

    Attributes:
        export: the last part of the path, as sent.
        secrets: values of the header ``X-Lytics-Secret``; empty if it is missing.
        body: as API Gateway passed it on.
        is_base64: whether ``body`` is base64 of the bytes that were sent.
        request_id: API Gateway's.
    """

    export: str
    secrets: tuple[str, ...]
    body: str
    is_base64: bool
    request_id: str

    def text(self) -> str:
        """Return the body as text, without a byte order mark. A gzip'd body is unpacked.

        Its first bytes tell that it is gzip'd, not ``Content-Encoding``: API Gateway may have unpacked it
        already.

        Raises:
            NotText: the body is not valid base64, not UTF-8, or damaged gzip.
            UnpackedTooLarge: it is gzip'd and unpacks to more than 10 MB.
        """
        if not self.is_base64:
            if self.body.startswith(_DAMAGED_GZIP):
                raise NotText("gzip that API Gateway took for text, which damaged it")
            return self.body.removeprefix("\ufeff")
        try:
            content = self.content()
            return (_unpacked(content) if content.startswith(_GZIP) else content).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise NotText("bytes that are not UTF-8") from error
        except (EOFError, OSError, zlib.error) as error:
            raise NotText("damaged gzip") from error
        except ValueError as error:
            raise NotText("not base64, though the event says so") from error

    def content(self) -> bytes:
        """Return the bytes of a body in base64.

        Raises:
            ValueError: it is not valid base64.
        """
        return base64.b64decode(self.body, validate=True)


def _unpacked(content: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        unpacked = file.read(MAX_UNPACKED_BYTES + 1)
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise UnpackedTooLarge
    return unpacked


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The response to Lytics.

    Attributes:
        status: 200, 400, 401 or 503.
        message: what happened, for the log and the body.
        retry_after_s: makes the Lytics job sleep for this long, without failing. None leaves the header out.
        counts: more for the log.
    """

    status: int
    message: str
    retry_after_s: int | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)


def webhook_request_from(event: Mapping[str, Any]) -> WebhookRequest:
    """Return the request of a proxy event."""
    return WebhookRequest(
        export=str((event.get("pathParameters") or {}).get("export") or ""),
        secrets=_secrets(event),
        body=event.get("body") or "",
        is_base64=bool(event.get("isBase64Encoded")),
        request_id=str((event.get("requestContext") or {}).get("requestId") or ""),
    )


def proxy_response(response: WebhookResponse) -> dict[str, Any]:
    """Return a response in the form that API Gateway expects."""
    headers = {"Content-Type": "application/json"}
    if response.retry_after_s is not None:
        headers["Retry-After"] = str(response.retry_after_s)
    return {
        "statusCode": response.status,
        "headers": headers,
        "body": json.dumps({"message": response.message}),
        "isBase64Encoded": False,
    }


def _secrets(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of the secret's header. Header names are case-insensitive."""
    headers = event.get("multiValueHeaders") or {
        name: [value] for name, value in (event.get("headers") or {}).items()
    }
    return tuple(
        value
        for name, values in headers.items()
        if name.lower() == SECRET_HEADER
        for value in values or ()
        if isinstance(value, str)
    )
