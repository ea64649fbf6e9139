"""Read which people a request asks to erase."""

from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.errors import InputInvalid

MAX_EMAILS: Final = 1_000
_EXAMPLE: Final = 'expected {"export": "name of an export", "emails": ["jane@example.com"]}'
_KEYS: Final = frozenset({"export", "emails", "again"})


@dataclass(frozen=True, slots=True)
class EraseRequest:
    """The people to erase.

    Attributes:
        export: an export of the SendGrid account. The people are erased in the whole account.
        emails: the addresses as they were typed, each once.
        again: erase people again who have come back since they were erased.
    """

    export: str
    emails: tuple[str, ...]
    again: bool = False


def request_from(document: object) -> EraseRequest:
    """Read a request.

    Raises:
        InputInvalid: the document is not of the documented form. The message holds no address.
    """
    if not isinstance(document, dict):
        raise InputInvalid(f"the request is not a JSON object: {_EXAMPLE}")
    if unknown := sorted(set(document) - _KEYS):
        known = all(isinstance(key, str) and key.isidentifier() for key in unknown)
        names = ", ".join(f'"{key}"' for key in unknown) if known else "a key"
        raise InputInvalid(f"{names} is not known: {_EXAMPLE}")
    export, emails, again = document.get("export", "default"), document.get("emails"), document.get("again")
    if not isinstance(export, str):
        raise InputInvalid(f'"export" must be text in quotes: {_EXAMPLE}')
    if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
        raise InputInvalid(f'"emails" must be a list of texts in quotes: {_EXAMPLE}')
    if again is not None and not isinstance(again, bool):
        raise InputInvalid(f'"again" must be true or false: {_EXAMPLE}')
    if not 1 <= len(emails) <= MAX_EMAILS:
        raise InputInvalid(
            f'"emails" has {len(emails)} addresses, and must have 1 to {MAX_EMAILS:,}: '
            "split a longer list into several requests"
        )
    return EraseRequest(export, tuple(dict.fromkeys(emails)), bool(again))
