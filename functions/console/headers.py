"""The headers of every answer."""

from collections.abc import Mapping
from typing import Any, Final

SECURITY: Final = {
    # Own scripts and styles only. `data:` is for the icons in the style sheet.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # `no-referrer` makes the Origin of our own forms `null`
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
"""What a browser may do with an answer, whatever it is."""

_NOT_KEPT: Final = "no-store"


def with_headers(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer for API Gateway with the headers of every answer.

    A page must not be kept, so that the back button shows nothing after the sign-out. An answer that names a
    ``Cache-Control`` of its own, as assets do, keeps it.
    """
    headers = {name: [value] for name, value in SECURITY.items()}
    headers["Cache-Control"] = [_NOT_KEPT]
    headers |= answer.get("multiValueHeaders") or {}
    return {**answer, "multiValueHeaders": headers}
