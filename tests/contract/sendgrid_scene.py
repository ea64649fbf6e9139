"""A SendGrid twin with a manual clock and a client, for the twin's own tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.local.sendgrid_twin.options import Fault, Options
from tests.local.sendgrid_twin.twin import SendGridTwin

CONTACTS = "/v3/marketing/contacts"
FIELDS = "/v3/marketing/field_definitions"
LISTS = "/v3/marketing/lists"
SEGMENTS = "/v3/marketing/segments/2.0"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


class Clock:
    """Unix seconds that move only when a test moves them."""

    def __init__(self) -> None:
        self._now_s = 1_790_000_000.0

    def __call__(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds


class Scene:
    """A twin, its clock, and a client that holds a key."""

    def __init__(self, twin: SendGridTwin, clock: Clock, session: requests.Session) -> None:
        self.twin = twin
        self.clock = clock
        self._session = session

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "SG.full", **extra: Any
    ) -> requests.Response:
        """Send a request. Bytes are sent unchanged, any other body as JSON."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._session.request(
            method, self.twin.url + path, headers=headers, **{"timeout": 20, **content, **extra}
        )

    def put(self, *rows: dict[str, Any], **extra: Any) -> requests.Response:
        """Upsert contacts."""
        return self.call("PUT", CONTACTS, {"contacts": list(rows), **extra})

    def applied(self, *rows: dict[str, Any], **extra: Any) -> dict[str, Any]:
        """Upsert contacts, process the job and return its status."""
        job_id = self.put(*rows, **extra).json()["job_id"]
        self.twin.settle()
        return self.job(job_id)

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the status of an import job."""
        status: dict[str, Any] = self.call("GET", f"{CONTACTS}/imports/{job_id}").json()
        return status

    def contact(self, email: str) -> dict[str, Any]:
        """Return a contact as the twin holds it."""
        return next(contact for contact in self.twin.contacts() if contact["email"] == email)

    def emails(self) -> list[str]:
        """Return the addresses of all contacts."""
        return [contact["email"] for contact in self.twin.contacts()]


@contextmanager
def scene_of(options: Options | None = None, *faults: Fault, seed: int = 0) -> Iterator[Scene]:
    """Start a twin with its client, and stop it at the end."""
    clock = Clock()
    with (
        SendGridTwin(options, faults=faults, seed=seed, clock=clock) as twin,
        requests.Session() as session,
    ):
        session.trust_env = False
        yield Scene(twin, clock, session)


def messages(answer: requests.Response) -> list[str]:
    """Return the messages in the body of an error."""
    return [error["message"] for error in answer.json()["errors"]]
