"""Header authorizations (`header_param_auth`): the headers and parameters that webhook jobs add to requests.

The body is AuthRequest of Lytics' V2 OpenAPI, `{"label": …, "config": {…}}`. Lytics' page on webhooks only
names the keys of `config`, so the twin also accepts them beside a `name` in place of the label.
"""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from tests.local.lytics_twin.answers import ApiError
from tests.local.lytics_twin.timestamps import rfc3339_ms

Json = dict[str, Any]

HEADER_PARAM_AUTH = "header_param_auth"


@dataclasses.dataclass(slots=True)
class Authorization:
    """One authorization. Answers never contain its secrets: AuthResponse has no `config`."""

    id: str
    label: str
    description: str
    headers: dict[str, str]
    params: str
    created_ns: int
    updated_ns: int

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "label": self.label,
            "description": self.description,
            "type": HEADER_PARAM_AUTH,
            "provider_slug": "webhook",
            "status": "healthy",
            "unhealthy": False,
            "created": rfc3339_ms(self.created_ns),
            "updated": rfc3339_ms(self.updated_ns),
        }


class Authorizations:
    """All authorizations of the account."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._all: dict[str, Authorization] = {}

    def __contains__(self, auth_id: object) -> bool:
        return auth_id in self._all

    def all(self) -> list[Authorization]:
        return list(self._all.values())

    def find(self, auth_id: str) -> Authorization:
        try:
            return self._all[auth_id]
        except KeyError:
            raise ApiError(404, f"no authorization {auth_id}", "AUTH-NOTFOUND-006") from None

    def create(self, body: Mapping[str, Any], now_ns: int) -> Authorization:
        auth_id = f"a{next(self._numbers):031x}"
        self._all[auth_id] = _read(body, auth_id, now_ns, now_ns)
        return self._all[auth_id]

    def replace(self, auth_id: str, body: Mapping[str, Any], now_ns: int) -> Authorization:
        self._all[auth_id] = _read(body, auth_id, self.find(auth_id).created_ns, now_ns)
        return self._all[auth_id]

    def delete(self, auth_id: str) -> None:
        del self._all[self.find(auth_id).id]


def _read(body: Mapping[str, Any], auth_id: str, created_ns: int, updated_ns: int) -> Authorization:
    label = body.get("label") or body.get("name")
    if not isinstance(label, str):
        raise ApiError(400, "label is required", "AUTH-BADREQ-008")
    config = body.get("config", body)
    headers = config.get("webhook_request_headers", "") if isinstance(config, dict) else None
    params = config.get("webhook_request_params", "") if isinstance(config, dict) else None
    if not isinstance(headers, str) or not isinstance(params, str) or not headers + params:
        raise ApiError(400, "config must have webhook_request_headers, as text", "AUTH-BADREQ-008")
    return Authorization(
        auth_id, label, str(body.get("description", "")), _headers(headers), params, created_ns, updated_ns
    )


def _headers(text: str) -> dict[str, str]:
    """Parse `Key: value` lines."""
    headers = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ApiError(400, "webhook_request_headers must be lines of key:value", "AUTH-BADREQ-008")
        headers[name.strip()] = value.strip()
    return headers
