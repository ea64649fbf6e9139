"""Roles: the lists of the stack's parameters, read again with each request."""

from dataclasses import dataclass
from typing import Final

from functions.console.context import Role

_GROUP: Final = "group:"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person who has signed in at the provider.

    Attributes:
        subject: the provider's id of the person.
        email: the address, only if the provider has verified it.
        groups: names or ids of groups.
    """

    subject: str
    email: str | None
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class People:
    """One list: of operators, or of viewers."""

    addresses: frozenset[str]
    domains: frozenset[str]
    groups: frozenset[str]

    def has(self, identity: Identity) -> bool:
        """Return whether somebody is on the list."""
        if self.groups & identity.groups:
            return True
        # A letter that only lower() makes ASCII, such as the Kelvin sign, is another address.
        if identity.email is None or not identity.email.isascii():
            return False
        address = identity.email.lower()
        return address in self.addresses or address.partition("@")[2] in self.domains


@dataclass(frozen=True, slots=True)
class Lists:
    """Both lists."""

    operators: People
    viewers: People

    def role_of(self, identity: Identity) -> Role | None:
        """Return what somebody may do, or None: nothing."""
        if self.operators.has(identity):
            return Role.OPERATOR
        return Role.VIEWER if self.viewers.has(identity) else None

    @property
    def uses_groups(self) -> bool:
        """Whether a list names a group."""
        return bool(self.operators.groups or self.viewers.groups)


def lists_from(operators: str, viewers: str) -> Lists:
    """Return the lists of two parameters.

    Args:
        operators: addresses and ``group:<name>``, separated by commas. A whole domain is not taken:
            anybody with an address there would be an operator.
        viewers: as ``operators``, and ``@domain``.
    """
    listed = people_from(operators)
    return Lists(People(listed.addresses, frozenset(), listed.groups), people_from(viewers))


def people_from(text: str) -> People:
    """Return the people of a list. Case matters in the names of groups only, spaces around an entry never."""
    entries = [entry for entry in map(str.strip, text.split(",")) if entry]
    groups = {entry.removeprefix(_GROUP) for entry in entries if entry.startswith(_GROUP)}
    others = {entry.lower() for entry in entries if not entry.startswith(_GROUP)}
    return People(
        addresses=frozenset(entry for entry in others if not entry.startswith("@")),
        domains=frozenset(entry.removeprefix("@") for entry in others if entry.startswith("@")) - {""},
        groups=frozenset(groups) - {""},
    )
