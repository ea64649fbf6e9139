"""HTTP to a vendor, in memory."""

import json
from collections.abc import Mapping
from typing import Any

from lytics_sendgrid.transport.client import Answer


class ScriptedHttp:
    """Gives the answers of a test, in order.

    Attributes:
        answers: those that are left; an exception is raised.
        requests: method, path, query and document of each request.
    """

    base_url = "https://vendor.example.com"

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 25.0,
    ) -> Answer:
        document = None if body is None else json.loads(body)
        self.requests.append((method, path, dict(query or {}), document))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
