"""A change is one thing that happened to one contact; a message carries changes on the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

type Value = str | int | float | bool
NO_FIELDS: Final[Mapping[str, Value]] = {}


class Kind(StrEnum):
    """What happened. Lytics sends ``enter``, ``exit`` and ``change``; the product itself makes the others."""

    ENTER = "enter"
    EXIT = "exit"
    CHANGE = "change"
    REFRESH = "refresh"
    REJECT = "reject"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to one contact.

    Attributes:
        email: the contact's normalised address.
        time_ns: event time, nanoseconds since 1970. A refresh has its stamp here: the ``sent`` of the request
            it follows. An erase has the time of the erasure: everything that is not later is forgotten.
        kind: what happened.
        audience: 32 lower-case hex digits; None if the kind has none.
        fields: Lytics field name to its scalar value, as Lytics sent it.
        fields_time_ns: when the fields were true; None means ``time_ns``.
        profile: Lytics' id of the profile, if known.
        row: the hash of the row that a reject is about, or that the job of a refresh carried.
        reason: why the row of a reject was refused.
        attempt: how many import jobs in a row have failed for the contact of a refresh, if any.
        job: the import job of a refresh, if it took so long that it may have overwritten a later job's row.
            The contact need not be sent again if no later row was accepted.
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
        changes: the changes, in no particular order.
        config: the version of the configuration that the writer knew.
        queued_ms: when the changes were first queued, milliseconds since 1970; a requeued message keeps it.
        hops: how often the changes were requeued.
        run: the run whose backfill wrote the message, if one did.
        number: the message's number within that run.
        uncertain: a request that the ledger does not name may be in flight for its contacts. The message was
            redriven, or its consumer could not commit what it had sent.
        suspect: it was handled together with a message that may have killed its consumer.
        question: a dry run asks what its changes would do: they are counted; nothing is sent or committed.
        request: API Gateway's id of the request that brought the changes, if one did; links the logs.
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
    question: bool = False
    request: str | None = None
