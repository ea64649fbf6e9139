"""Find the addresses that a text mentions, such as ``email 'ada@example.com' is not valid``."""

import re
from collections.abc import Collection, Iterator
from typing import Final

_WORD: Final = re.compile(r'[^\s<>()\[\],;:"\\]+')
_DOMAIN: Final = re.compile(r"[\w.-]*\w")
_BEFORE: Final = re.compile(r"[^\w]*")
_MAX_WORD_CHARS: Final = 500
_QUOTES: Final = "'`"
_LABELS: Final = ("mail", "address", "contact", "recipient", "identifier")


def mentions(text: str, emails: Collection[str]) -> Iterator[str]:
    """Yield each address in a text, in lower case.

    An address is read whole, so ``a@x.co`` is not found in ``a@x.com``. Its beginning is not always clear,
    because quotes and ``=`` may belong to an address. So the longest reading that is one of our addresses
    counts; if there is none, the shortest counts.

    Args:
        text: of any kind.
        emails: our addresses, in lower case.
    """
    if "@" not in text:
        return
    for word in _WORD.findall(text.lower()):
        local, _, rest = word.partition("@")
        domain = _DOMAIN.match(rest)
        if len(word) > _MAX_WORD_CHARS or not local or domain is None or rest.startswith("@", domain.end()):
            continue
        readings = [f"{name}@{domain[0]}" for name in _names(local)]
        yield next((email for email in readings if email in emails), readings[-1])


def _names(local: str) -> list[str]:
    """Return what may be the part before the @, the longest first."""
    marks = next(_BEFORE.finditer(local)).end()
    names = [local[start:] for start in range(min(marks, len(local) - 1) + 1)]
    for sign in re.finditer("=", local):
        value = local[sign.end() :].lstrip(_QUOTES)
        if value and local[: sign.start()].endswith(_LABELS):
            names.append(value)
    return names
