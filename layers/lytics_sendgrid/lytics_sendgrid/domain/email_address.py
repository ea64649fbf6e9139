"""E-mail addresses in the form in which SendGrid identifies contacts."""

import re
from typing import Final
from unicodedata import normalize

from lytics_sendgrid.domain.invisible import format_character, strip_invisible

MAX_CHARS: Final = 254
"""SendGrid's limit for a contact's e-mail (OpenAPI, mc_contacts, 2026-01-22)."""

_FORM: Final = re.compile(
    r"[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]+@[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]+\.[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f.]+"
)


def normalise(value: object) -> str | None:
    """Return an address trimmed, in lower case as SendGrid stores it, and composed (NFC).

    Only values that can never be an address are refused here. SendGrid validates the rest.

    Args:
        value: the value of Lytics' e-mail field, of any JSON type.

    Returns:
        The address; or None if the value is not text, has no ``@`` between two parts, contains white space,
        control or format characters, is longer than 254 characters, or cannot be encoded as UTF-8.
    """
    if not isinstance(value, str):
        return None
    address = strip_invisible(value).lower()
    if not address.isascii():
        address = normalize("NFC", address)
        if format_character(address) or any("\ud800" <= character <= "\udfff" for character in address):
            return None
    if len(address) > MAX_CHARS or not _FORM.fullmatch(address):
        return None
    return address


def invisible_inside(value: object) -> str:
    """Return the code point of the first format character inside a value, such as ``U+200B``.

    Empty if none is.
    """
    return format_character(strip_invisible(value)) if isinstance(value, str) else ""
