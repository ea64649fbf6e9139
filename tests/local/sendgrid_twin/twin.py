"""A twin of SendGrid's Marketing Campaigns API: a small HTTP server with the documented behaviour.

with SendGridTwin(Options(job_delay_s=0.1)) as twin:
    requests.put(f"{twin.url}/v3/marketing/contacts", headers={"Authorization": "Bearer SG.full"}, ...)
    twin.settle()
    assert twin.contacts() == [...]
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from tests.local.sendgrid_twin.account import Account
from tests.local.sendgrid_twin.answering import Answering
from tests.local.sendgrid_twin.control import control
from tests.local.sendgrid_twin.custom_fields import FieldType
from tests.local.sendgrid_twin.exchange import Answer, Exchange, Request
from tests.local.sendgrid_twin.faults import FaultPlan
from tests.local.sendgrid_twin.options import DEFAULT_KEYS, Capability, Fault, Options
from tests.local.sendgrid_twin.record import Record, Recorder
from tests.local.sendgrid_twin.server import Server
from tests.local.sendgrid_twin.situation import Situation


class SendGridTwin:
    """The twin. Serves from construction until `close`. All methods are thread-safe.

    Args:
        options: Limits, delays and choices between undocumented behaviours.
        keys: The API keys and their permissions.
        faults: The initial faults.
        seed: The seed of all random choices.
        clock: Returns the time as epoch seconds.
        recorder: Called with each exchange before its answer is sent.
        keep_bytes: The maximum size of the exchanges kept for `exchanges`.
        host: A loopback address.
        port: 0 picks a free port.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        keys: Mapping[str, Capability] = DEFAULT_KEYS,
        faults: tuple[Fault, ...] = (),
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        recorder: Recorder | None = None,
        keep_bytes: int = 32_000_000,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._lock = threading.RLock()
        self._seed = seed
        self._situation = Situation(options or Options(), clock, seed)
        self._account = Account(self._situation, keys)
        self._record = Record(keep_bytes, recorder)
        self._answering = Answering(self._account, self._record, FaultPlan(faults, seed), self._lock)
        self._server = Server(self.respond, port, host)
        self.url = self._situation.url = self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and end every pause."""
        self._answering.closing.set()
        self._server.close()

    @property
    def options(self) -> Options:
        """The current options."""
        return self._situation.options

    def set_options(self, **changes: Any) -> None:
        """Change options by name, from the next request on.

        Raises:
            TypeError: An option does not exist.
            ValueError: A value is invalid.
        """
        with self._lock:
            self._situation.options = replace(self._situation.options, **changes)

    def set_keys(self, keys: Mapping[str, Capability]) -> None:
        """Replace all API keys."""
        with self._lock:
            self._account.keys = dict(keys)

    def set_faults(self, *faults: Fault, seed: int | None = None) -> None:
        """Replace all faults and reset their counts."""
        with self._lock:
            self._answering.faults = FaultPlan(faults, self._seed if seed is None else seed)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.set_faults()

    def add_field(self, name: str, kind: str = "Text") -> str:
        """Create a custom field that is usable at once. Returns its id."""
        with self._lock:
            return self._account.fields.add(name, FieldType(kind), usable=True).id

    def add_list(self, name: str) -> str:
        """Create a list. Returns its id."""
        with self._lock:
            return self._account.lists.add(name).id

    def add_single_send(self, name: str, segment_ids: list[str], status: str = "scheduled") -> str:
        """Create a Single Send to segments. Returns its id."""
        with self._lock:
            return self._account.single_sends.add(name, segment_ids, status).id

    def end_single_send(self, send_id: str) -> None:
        """Send a Single Send."""
        with self._lock:
            self._account.single_sends.by_id[send_id].status = "triggered"

    def move_segment(self, segment_id: str, list_id: str) -> None:
        """Put a segment on another list. SendGrid's API has no request for that."""
        with self._lock:
            self._account.segments.by_id[segment_id].parent_list_ids = [list_id]

    def names(self) -> dict[str, list[str]]:
        """Return the names of the account's fields, lists and segments."""
        with self._lock:
            return self._account.names()

    def settle(self) -> None:
        """Finish all scheduled work: jobs, new fields, validations and exports."""
        with self._lock:
            self._situation.settle()

    def refresh_segments(self) -> None:
        """Refresh all segments' counts and members, as SendGrid does every 1 to 24 hours."""
        with self._lock:
            self._situation.catch_up()
            for segment in self._account.segments.by_id.values():
                self._account.segments.refresh(segment)

    def segment_members(self, segment: str) -> list[str]:
        """Evaluate a segment now. Returns the e-mails, sorted.

        Args:
            segment: Its id or name.

        Raises:
            KeyError: The segment does not exist.
        """
        with self._lock:
            self._situation.catch_up()
            for candidate in self._account.segments.by_id.values():
                if segment in {candidate.id, candidate.name}:
                    return sorted(contact.email for contact in self._account.segments.members(candidate))
        raise KeyError(segment)

    def contacts(self, after: str = "", limit: int | None = None) -> list[dict[str, Any]]:
        """Return contacts sorted by e-mail, each with the number of its writes (`writes`)."""
        with self._lock:
            self._situation.catch_up()
            book = self._account.contacts
            emails = [email for email in book.emails() if email > after][:limit]
            contacts = [contact for email in emails if (contact := book.find("email", email)) is not None]
            return [
                self._account.search.as_json(contact) | {"writes": contact.writes} for contact in contacts
            ]

    def requests(self) -> dict[str, int]:
        """Return the number of requests by `METHOD /path/{template}`."""
        with self._lock:
            return dict(self._record.requests)

    def exchanges(self) -> list[Exchange]:
        """Return the latest exchanges, oldest first."""
        with self._lock:
            return self._record.exchanges()

    def forget_exchanges(self) -> None:
        """Reset the request counts and drop the exchanges."""
        with self._lock:
            self._record.forget()

    def state(self) -> dict[str, Any]:
        """Return counts of all resources, requests, answers and faults."""
        with self._lock:
            self._situation.catch_up()
            return self._account.counts() | {
                "requests": dict(self._record.requests),
                "answers": dict(self._record.answers),
                "faults": self._answering.faults.counts(),
            }

    def respond(self, request: Request) -> Answer | None:
        """Answer a request of any server; `None` closes its connection without an answer."""
        if request.path.startswith("/_twin/"):
            return control(self, request)
        return self._answering.respond(request)
