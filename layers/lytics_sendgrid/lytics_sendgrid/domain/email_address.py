"""E-mail addresses as SendGrid keys its contacts by them."""

import re
from typing import Final

MAX_CHARS: Final = 254
"""SendGrid's limit on a contact's e-mail (OpenAPI, mc_contacts, 2026-01-22)."""

_FORM: Final = re.compile(
    r"[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]+@[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]+\.[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f.]+"
)


def normalise(value: object) -> str | None:
    """Trim and lower-case an address, as SendGrid lower-cases it.

    Only what can never be an address is refused here: SendGrid decides the rest, and its words are kept.

    Args:
        value: what Lytics has in the e-mail field, of any JSON type.

    Returns:
        The address, or None where the value cannot be one: no text, no ``@`` between two parts, white space or
        control characters inside, longer than 254 characters, or not writable as UTF-8.
    """
    if not isinstance(value, str):
        return None
    address = value.strip().lower()
    if len(address) > MAX_CHARS or not _FORM.fullmatch(address):
        return None
    if not address.isascii() and any("\ud800" <= character <= "\udfff" for character in address):
        return None
    return address
