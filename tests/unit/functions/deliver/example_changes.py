"""Changes and messages of deliver's tests."""

from collections.abc import Iterable
from dataclasses import replace

from lytics_sendgrid.domain.change import Change, Kind, Message
from tests.unit.functions.deliver.example_export import READERS


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
