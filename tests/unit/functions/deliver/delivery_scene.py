"""The scene of deliver's tests: one export, and the real delivery with doubles around it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from functions.deliver.delivery import Delivery
from functions.deliver.export_views import View
from functions.deliver.invocation import DeliverySummary
from functions.deliver.outbox import Outbox
from functions.deliver.received import SqsRecord
from functions.deliver.row import RowForm
from functions.deliver.upsert import UpsertLimits
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.configuration import Audience, Export, FieldKind, MappedField
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.queues.changes import encode
from lytics_sendgrid.queues.imports import import_from
from tests.clock import ManualClock
from tests.fakes import DelayedQueue, LedgerInMemory, ListedRuns, ListedViews, SendGridUpserts

READERS = "8a2d4c6e0b1f43579d8e7c6b5a493827"
BUYERS = "5f1c0e6b9a7d4e2f8b3c1d0a9e8f7a61"
SEGMENTS = "e9_T"
REFRESH_S = 900

EXPORT = Export(
    name="newsletter",
    authorization="default",
    account="acme",
    version=3,
    email_field="email",
    fields=(
        MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
        MappedField("city", "e1_T", "city", FieldKind.TEXT, 1000),
    ),
    audiences=(Audience(READERS, "Readers", "readers"), Audience(BUYERS, "Buyers", "buyers")),
)
FORM = RowForm(
    version=3,
    audiences={READERS: SEGMENTS, BUYERS: SEGMENTS},
    exported=frozenset({READERS, BUYERS}),
    lists={},
    fields=frozenset({"e1_T"}),
    membership_field=SEGMENTS,
    no_audience_value="none",
)
VIEW = View(EXPORT, FORM, None)


def with_list(view: View, list_id: str, name: str) -> View:
    """Return the view of another export of the account, with a list."""
    form = replace(view.form, lists={**view.form.lists, list_id: name})
    return View(replace(view.export, name=name, list_id=list_id), form, None)


class Scene:
    """A delivery with everything around it, and a clock that moves only when code sleeps."""

    def __init__(
        self, *views: View, fault_retry_s: float = 60.0, chance: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.clock = ManualClock(chance=chance)
        self.ledger = LedgerInMemory()
        self.views = ListedViews(*(views or (VIEW,)))
        self.runs = ListedRuns()
        self.changes, self.imports = DelayedQueue(), DelayedQueue()
        self.sendgrid = SendGridUpserts(self.clock)
        self.others: dict[str, SendGridUpserts] = {}
        self.keys: list[str] = []
        self.no_key: dict[str, Exception] = {}
        self.delivery = Delivery(
            ledger=self.ledger,
            views=self.views,
            runs=self.runs,
            outbox=Outbox(self.changes, self.imports, REFRESH_S, 60),
            contacts=self._contacts,
            limits=UpsertLimits(fault_retry_s),
            clock=self.clock,
        )

    def _contacts(self, authorization: str) -> SendGridUpserts:
        self.keys.append(authorization)
        if authorization in self.no_key:
            raise self.no_key[authorization]
        return self.others.get(authorization, self.sendgrid)

    def deliver(
        self, *messages: Message | str, receives: int | Sequence[int] = 1, seconds: float = 120.0
    ) -> DeliverySummary:
        """Deliver messages in one invocation, with the ids m0, m1 and so on."""
        counts = [receives] * len(messages) if isinstance(receives, int) else receives
        bodies = [one if isinstance(one, str) else encode(one) for one in messages]
        pairs = enumerate(zip(bodies, counts, strict=True))
        records = [SqsRecord(f"m{n}", body, count) for n, (body, count) in pairs]
        return self.delivery.deliver(records, self.clock.now_s + seconds)

    def deliver_queue(self, seconds: float = 120.0) -> DeliverySummary:
        """Deliver everything on the changes queue in one invocation, whatever its delay."""
        waiting, self.changes.sent = self.changes.sent, []
        return self.deliver(*(body for _, body in waiting), seconds=seconds)

    def now_ms(self) -> int:
        return int(self.clock.now_s * 1000)

    def contact(self, email: str) -> Contact:
        return self.ledger.contacts[f"acme#{email}"]

    def has(self, email: str) -> bool:
        return f"acme#{email}" in self.ledger.contacts

    def refreshes(self) -> list[tuple[int, int, list[str]]]:
        """Return the refreshes on the changes queue: delay in seconds, stamp in milliseconds, addresses."""
        return [
            (delay_s, message.changes[0].time_ns // 1_000_000, sorted(c.email for c in message.changes))
            for delay_s, message in self.changes.messages()
            if message.changes[0].kind is Kind.REFRESH and message.hops == 0
        ]

    def requeued(self) -> list[tuple[int, Message]]:
        """Return the requeued messages, with their delays in seconds."""
        return [(delay_s, m) for delay_s, m in self.changes.messages() if m.hops]

    def jobs(self) -> dict[str, list[str]]:
        """Return the queued import jobs, and the addresses in each."""
        imports = [import_from(body) for _, body in self.imports.sent]
        return {one.job: sorted(one.contacts) for one in imports}


def enter(email: str, time_ns: int = 100, audience: str = READERS, **fields: str) -> Change:
    return Change(email, time_ns, Kind.ENTER, audience, fields)


def exit_(email: str, time_ns: int = 100, audience: str = READERS) -> Change:
    return Change(email, time_ns, Kind.EXIT, audience)


def refresh(email: str, stamp_ms: int) -> Change:
    return Change(email, stamp_ms * 1_000_000, Kind.REFRESH)


def message(*changes: Change, export: str = "newsletter", **more: object) -> Message:
    return replace(Message(export, changes), **more)  # type: ignore[arg-type]


def people(count: int) -> list[str]:
    return [f"p{number}@example.org" for number in range(count)]


def entering(emails: Iterable[str], export: str = "newsletter", **more: object) -> Message:
    return message(*(enter(email) for email in emails), export=export, **more)
