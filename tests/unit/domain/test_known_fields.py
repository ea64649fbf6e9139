"""Which entries of a document a dataclass takes."""

from dataclasses import dataclass

from lytics_sendgrid.domain.known_fields import known_fields


@dataclass
class Counts:
    people: int = 0
    contacts: int = 0


def test_only_fields_of_the_dataclass_are_read() -> None:
    assert known_fields(Counts, {"people": 3, "newer": 4}) == {"people": 3}
