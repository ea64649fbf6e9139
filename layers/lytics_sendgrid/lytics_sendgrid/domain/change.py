"""The change: one thing that happened to one contact, and the message that carries changes on the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

type Value = str | int | float | bool
NO_FIELDS: Final[Mapping[str, Value]] = {}


class Kind(StrEnum):
    """What happened. ``reject`` and ``refresh`` are the product's own; the rest come from Lytics or an operator."""

    ENTER = "enter"
    EXIT = "exit"
    CHANGE = "change"
    REFRESH = "refresh"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to one contact.

    Attributes:
        email: the contact's normalised address.
        time_ns: event time in nanoseconds since 1970; of a refresh, its stamp: the ``sent`` of the request it follows.
        kind: what happened.
        audience: 32 lower-case hex digits; None where the kind has none.
        fields: Lytics field name to its scalar value, as Lytics sent it.
        fields_time_ns: when the fields were true; None means ``time_ns``.
        profile: Lytics' id of the profile, where known.
        row: of a reject, the hash of the row that was refused; of a refresh with a job, of the row that the job brought.
        reason: of a reject, why.
        attempt: of a refresh, how many import jobs have failed for the contact in a row, if any.
        job: of a refresh, the import job that took so long that it may have overwritten a later one's row, if it is for
            that; the contact need not be sent again where no later one was accepted.
    """

    email: str
    time_ns: int
    kind: Kind
    audience: str | None = None
    fields: Mapping[str, Value] = field(default_factory=lambda: NO_FIELDS)
    fields_time_ns: int | None = None
    profile: str | None = None
    row: str | None = None
    reason: str | None = None
    attempt: int | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Changes of one export, as they lie on the changes queue.

    Attributes:
        export: the export's name.
        changes: in no particular order.
        config: version of the configuration that its writer knew.
        queued_ms: when the changes were first queued, milliseconds since 1970; a repacked message keeps it.
        hops: how often they were repacked.
        run: the run whose backfill wrote it, if one did.
        number: the message's number within that run.
        uncertain: a request that the ledger does not name may be in flight for its contacts: it was dead-lettered and
            brought back, or its consumer could not commit what it had sent.
        suspect: it was handled together with a message that may have killed its consumer.
        request: API Gateway's id of the request that brought the changes, if one did: by it a log tells what became of it.
    """

    export: str
    changes: tuple[Change, ...]
    config: int = 0
    queued_ms: int = 0
    hops: int = 0
    run: str | None = None
    number: str | None = None
    uncertain: bool = False
    suspect: bool = False
    request: str | None = None
