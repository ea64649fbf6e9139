"""A webhook body that is not JSON, in the form that goes to the rejects queue.

Lytics will not send it again.
"""

import base64
from typing import Any, Final

from functions.ingest.bad_events import Rejected
from functions.ingest.gateway import NotText, WebhookRequest
from lytics_sendgrid.queues.rejects import NOT_JSON

MAX_BYTES: Final = 44_000
"""As base64 they fit the 60,000 characters of a reject's element."""


def rejected_body(request: WebhookRequest, error: ValueError) -> Rejected:
    """Return the reject of a body.

    Args:
        request: its body is kept: as text, or as base64 where its bytes are not text.
        error: why it cannot be read. Only the message of ours is repeated: others quote the body.
    """
    what = str(error) if isinstance(error, NotText) else "text that is not JSON"
    detail = f"the body is {what}. It was answered 400, so Lytics does not send it again"
    return Rejected(NOT_JSON, detail, _element(request, error))


def _element(request: WebhookRequest, error: ValueError) -> Any:
    if not request.is_base64:
        return request.body
    if not isinstance(error, NotText):
        return request.text()
    try:
        content = request.content()
    except ValueError:
        return request.body
    return {"base64": base64.b64encode(content[:MAX_BYTES]).decode(), "bytes": len(content)}
