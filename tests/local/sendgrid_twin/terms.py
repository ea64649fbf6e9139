"""The typed parts that a segment's query is made of."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.local.sendgrid_twin.contacts import Contact

type Read = Callable[[Contact], Any]


class InvalidQueryError(ValueError):
    """The query is none that SendGrid's grammar and the account's columns allow."""


class Kind(StrEnum):
    """The type of a term. Timestamps are texts in UTC that sort as times do."""

    TEXT = "text"
    NUMBER = "number"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    ARRAY = "array"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a query: its type, how it is computed, and its value where that is the same for all."""

    kind: Kind
    read: Read
    constant: Any = None


def constant(kind: Kind, value: Any) -> Term:
    """Return a term that is the same for every contact."""
    return Term(kind, lambda _contact: value, value)


def full_match(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Return a test for the whole of a text."""
    return lambda value: pattern.fullmatch(value) is not None


def strict(compute: Callable[[Any, Any], Any], left: Read, right: Read) -> Read:
    """Return a computation that is unknown where one side is unknown."""

    def read(contact: Contact) -> Any:
        first = left(contact)
        if first is None:
            return None
        second = right(contact)
        return None if second is None else compute(first, second)

    return read
