"""REST API proxy events: what ingest needs of a request, and the form of an answer.

The event: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html (read 2026-11-23).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SECRET_HEADER: Final = "x-lytics-secret"  # noqa: S105 - its name


@dataclass(frozen=True, slots=True, repr=False)
class Delivery:
    """One POST of Lytics. It has no ``repr``: it holds the secret and people's data.

    Attributes:
        export: the path's last part, as it was sent.
        secrets: values of the header ``X-Lytics-Secret``; none where it is missing.
        body: as the gateway handed it over.
        is_base64: whether ``body`` is base64 of the bytes that were sent.
        request_id: the gateway's.
    """

    export: str
    secrets: tuple[str, ...]
    body: str
    is_base64: bool
    request_id: str

    def text(self) -> str:
        """Return the body as text.

        Raises:
            ValueError: it is not base64 where it should be, or not UTF-8.
        """
        text = base64.b64decode(self.body, validate=True).decode() if self.is_base64 else self.body
        return text.removeprefix("\ufeff")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Lytics is answered.

    Attributes:
        status: 200, 400, 401 or 503; no other is used.
        word: what happened, for the log and the body.
        retry_after_s: makes Lytics' job sleep so long, without failing.
        counts: more for the log.
    """

    status: int
    word: str
    retry_after_s: int | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)


def delivery_from(event: Mapping[str, Any]) -> Delivery:
    """Read a proxy event."""
    return Delivery(
        export=str((event.get("pathParameters") or {}).get("export") or ""),
        secrets=_secrets(event),
        body=event.get("body") or "",
        is_base64=bool(event.get("isBase64Encoded")),
        request_id=str((event.get("requestContext") or {}).get("requestId") or ""),
    )


def proxy_answer(answer: Answer) -> dict[str, Any]:
    """Write an answer as API Gateway takes it."""
    headers = {"Content-Type": "application/json"}
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(answer.retry_after_s)
    return {
        "statusCode": answer.status,
        "headers": headers,
        "body": json.dumps({"message": answer.word}),
        "isBase64Encoded": False,
    }


def _secrets(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the header's values; its name is compared without regard to case, as HTTP does."""
    several = event.get("multiValueHeaders") or {
        name: [v] for name, v in (event.get("headers") or {}).items()
    }
    return tuple(
        value
        for name, values in several.items()
        if name.lower() == SECRET_HEADER
        for value in values or ()
        if isinstance(value, str)
    )
