"""The two formats of Lytics' answers: `/api` (v1) and `/v2`."""

import itertools
import json
from typing import Any, NamedTuple

_request_numbers = itertools.count(1)

_CODES = {400: "BADREQ-001", 401: "UNAUTHORIZED-017", 403: "FORBIDDEN-026", 404: "NOTFOUND-003"}


class ApiError(Exception):
    """A refusal, in the format of the called API. Only v2 has a `code`."""

    def __init__(self, status: int, message: str, code: str = "", *more: str) -> None:
        super().__init__(message)
        self.status = status
        self.messages = (message, *more)
        self.code = code or _CODES.get(status, "UNKNOWN-000" if status < 500 else "INTERNAL-019")


class Reply(NamedTuple):
    """An encoded answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


def success(version: int, data: object, status: int = 200, **more: object) -> Reply:
    """Return an answer with data. `more` holds keys beside it, such as the scan's `total`."""
    if status == 204:
        return Reply(204, b"")
    if version == 2:
        return _json(status, {"data": data, "status": status, "request_id": _request_id(), **more})
    return _json(status, {"data": data, "status": status, "message": "success", **more})


def refusal(version: int, error: ApiError) -> Reply:
    """Return an error answer. A rejected token is refused before either API, in the format of v1."""
    if version == 1 or error.status == 401:
        message = "; ".join(error.messages)
        return _json(error.status, {"data": None, "message": message, "status": error.status})
    errors = [{"code": error.code, "message": message, "level": "warn"} for message in error.messages]
    return _json(error.status, {"status": error.status, "errors": errors, "request_id": _request_id()})


def plain(data: object, status: int = 200) -> Reply:
    """Return JSON without an envelope, as the twin's control endpoints do."""
    return _json(status, data)


def _json(status: int, body: Any) -> Reply:
    return Reply(status, json.dumps(body, ensure_ascii=False).encode())


def _request_id() -> str:
    return f"{next(_request_numbers):032x}"
