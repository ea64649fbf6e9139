"""The format of the changes queue.

A message is versioned JSON: ``{"v":1,"export":…,"config":…,"queued":…,"hops":…,"changes":[…]}``. Values that
all changes share (kind, audience, time) are written once. So are the names, if there are several changes:
``"columns":["email","fields_time"],"fields":["city"],"changes":[["ann@example.org",179…,"Oslo"],…]``. SQS
bills by 64 KB, and an invocation gets at most 6 MB of messages: the smaller a change, the fewer requests to
SendGrid.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from lytics_sendgrid.domain.change import NO_FIELDS, Change, Kind, Message

VERSION: Final = 1
MESSAGE_BYTES: Final = 4 * 65_536
"""The maximum size of a message: a multiple of the 64 KB that SQS bills, small compared to Lambda's 6 MB."""
MAX_HOPS: Final = 600
"""How often changes are requeued before they are left for the dead-letter queue."""

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_COLUMNS: Final = {
    "email": attrgetter("email"),
    "kind": attrgetter("kind"),
    "time": attrgetter("time_ns"),
    "audience": attrgetter("audience"),
    "fields_time": attrgetter("fields_time_ns"),
    "profile": attrgetter("profile"),
    "row": attrgetter("row"),
    "reason": attrgetter("reason"),
    "attempt": attrgetter("attempt"),
    "job": attrgetter("job"),
}
"""The values of a change, without its fields."""


class UnknownVersion(ValueError):
    """The message has a version that only a newer deployment can read."""


def encode(message: Message) -> str:
    """Return a message as ASCII JSON, which SQS accepts whatever characters a profile contains."""
    return next(_packed(message, max_bytes=None)).body


@dataclass(frozen=True, slots=True)
class Packed:
    """A message body and the number of its changes."""

    body: str
    changes: int


def pack(message: Message, max_bytes: int = MESSAGE_BYTES) -> Iterator[Packed]:
    """Yield a message as one or more bodies of at most ``max_bytes``, with the changes in order.

    A change larger than that gets a body of its own.
    """
    return _packed(message, max_bytes)


def _packed(message: Message, max_bytes: int | None) -> Iterator[Packed]:
    changes = message.changes
    head: dict[str, Any] = {"v": VERSION, "export": message.export, "config": message.config}
    head |= {"queued": message.queued_ms, "hops": message.hops}
    optional: dict[str, Any] = {"run": message.run, "number": message.number}
    optional |= {"uncertain": message.uncertain or None, "suspect": message.suspect or None}
    optional |= {"question": message.question or None, "request": message.request}
    head |= {key: value for key, value in optional.items() if value is not None}
    shared = _shared(changes)
    head |= shared
    columns, names = _table(changes, shared)
    if columns:
        head |= {"columns": columns, "fields": names}
    start = _encode(head)[:-1] + ',"changes":['
    room = None if max_bytes is None else max_bytes - len(start) - 2
    texts: list[str] = []
    size = 0
    for change in changes:
        text = _encode(_line(change, columns, names) if columns else _document(change, shared))
        if room is not None and texts and size + len(text) > room:
            yield Packed(f"{start}{','.join(texts)}]}}", len(texts))
            texts, size = [], 0
        texts.append(text)
        size += len(text) + 1
    yield Packed(f"{start}{','.join(texts)}]}}", len(texts))


def _shared(changes: tuple[Change, ...]) -> dict[str, Any]:
    if not changes:
        return {}
    first = changes[0]
    shared: dict[str, Any] = {}
    if all(change.kind is first.kind for change in changes):
        shared["kind"] = first.kind.value
    if first.audience is not None and all(change.audience == first.audience for change in changes):
        shared["audience"] = first.audience
    if all(change.time_ns == first.time_ns for change in changes):
        shared["time"] = first.time_ns
    return shared


def _table(changes: Sequence[Change], shared: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the columns and fields to name once for all changes; none if that saves nothing."""
    names = list(dict.fromkeys(name for change in changes for name in change.fields))
    filled = sum(len(change.fields) for change in changes)
    if len(changes) < 2 or filled * 2 < len(names) * len(changes):
        return [], []
    columns = [
        column
        for column, value_of in _COLUMNS.items()
        if column not in shared and any(value_of(change) is not None for change in changes)
    ]
    return columns, names


def _line(change: Change, columns: Iterable[str], names: Iterable[str]) -> list[Any]:
    """Return a change's values, columns first, then fields; null if absent, without nulls at the end."""
    line = [_COLUMNS[column](change) for column in columns]
    line += map(change.fields.get, names)
    while line[-1] is None:
        line.pop()
    return line


def _document(change: Change, shared: Mapping[str, Any]) -> dict[str, Any]:
    document = {
        column: value
        for column, value_of in _COLUMNS.items()
        if column not in shared and (value := value_of(change)) is not None
    }
    if change.fields:
        document["fields"] = change.fields
    return document


def decode(body: str) -> Message:
    """Read a message body.

    Raises:
        UnknownVersion: its version is newer than this code.
        ValueError: it is not a change message.
    """
    try:
        document = json.loads(body)
        version = document["v"]
        if version != VERSION:
            raise UnknownVersion(f"message version {version!r}; this code reads version {VERSION}")
        kind, changes = document.get("kind"), document["changes"]
        if "columns" in document:
            changes = _documents(changes, document["columns"], document["fields"])
        return Message(
            export=_of(str, document["export"]),
            changes=_changes(changes, kind, document.get("audience"), document.get("time")),
            config=_of(int, document.get("config", 0)),
            queued_ms=_of(int, document.get("queued", 0)),
            hops=abs(_of(int, document.get("hops", 0))),
            run=_of(str, document.get("run"), None),
            number=_of(str, document.get("number"), None),
            uncertain=bool(document.get("uncertain")),
            suspect=bool(document.get("suspect")),
            question=bool(document.get("question")),
            request=_of(str, document.get("request"), None),
        )
    except UnknownVersion:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not a change message: {type(error).__name__} {error}") from error


def _documents(
    lines: Iterable[Sequence[Any]], columns: Sequence[str], names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Read what ``_line`` wrote."""
    width = len(columns)
    for line in lines:
        document = dict(zip(columns, line, strict=False))
        values = zip(names, line[width:], strict=False)
        document["fields"] = {name: value for name, value in values if value is not None}
        yield document


def _changes(
    documents: Iterable[Mapping[str, Any]], kind: str | None, audience: str | None, time_ns: int | None
) -> tuple[Change, ...]:
    """Read changes. A value of the wrong type would crash the consumer later, with all of its messages."""
    kinds = {member.value: member for member in Kind}
    changes = []
    for document in documents:
        get = document.get
        change = Change(
            document["email"],
            get("time", time_ns),
            kinds[get("kind", kind)],
            get("audience", audience),
            get("fields", NO_FIELDS),
            get("fields_time"),
            get("profile"),
            get("row"),
            get("reason"),
            get("attempt"),
            get("job"),
        )
        texts = change.audience, change.profile, change.row, change.reason, change.job
        if (
            type(change.email) is not str
            or type(change.time_ns) is not int
            or type(change.fields) is not dict
            or any(text is not None and type(text) is not str for text in texts)
            or (change.fields_time_ns is not None and type(change.fields_time_ns) is not int)
            or (change.attempt is not None and type(change.attempt) is not int)
        ):
            raise TypeError("a value of a change has the wrong type")
        if change.time_ns <= 0:
            raise ValueError("a change has no time after 1970")
        changes.append(change)
    return tuple(changes)


def _of[T](kind: type[T], value: Any, *others: Any) -> Any:
    """Return the value if it has a type, or is one of the others.

    Raises:
        TypeError: otherwise.
    """
    if type(value) is not kind and value not in others:
        raise TypeError(f"a value is not of type {kind.__name__}")
    return value
