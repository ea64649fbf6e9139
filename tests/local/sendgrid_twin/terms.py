"""The typed terms of a segment query."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.local.sendgrid_twin.contacts import Contact

type Read = Callable[[Contact], Any]


class InvalidQueryError(ValueError):
    """The query does not fit SendGrid's grammar or the account's columns."""


class Kind(StrEnum):
    """The type of a term. Timestamps are UTC strings that sort by time."""

    TEXT = "text"
    NUMBER = "number"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    ARRAY = "array"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a query: its type, how to compute it, and its value if it is a constant."""

    kind: Kind
    read: Read
    constant: Any = None


def constant(kind: Kind, value: Any) -> Term:
    """Return a term with the same value for every contact."""
    return Term(kind, lambda _contact: value, value)


def full_match(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Return a predicate that matches a whole string."""
    return lambda value: pattern.fullmatch(value) is not None


def strict(compute: Callable[[Any, Any], Any], left: Read, right: Read) -> Read:
    """Return a computation that is NULL if either operand is NULL."""

    def read(contact: Contact) -> Any:
        first = left(contact)
        if first is None:
            return None
        second = right(contact)
        return None if second is None else compute(first, second)

    return read
