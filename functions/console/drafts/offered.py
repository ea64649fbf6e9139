"""What both accounts offer, as far as it is known: it is asked for in the background, and the page polls."""

import re
from dataclasses import dataclass
from typing import Final

from functions.console.context import Console
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import InputInvalid
from lytics_sendgrid.workflow.catalogue import ASKED_S, Catalogue, Vendor, catalogue_key

WAIT_S: Final = 15
"""How long the page waits for the vendors before it goes on without them."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NO_NAME: Final = "the authorization's name must be 1 to 64 letters, digits, - or _"
_WORDS: Final = {
    "audiences": "audiences",
    "lytics_fields": "Lytics fields",
    "lists": "lists",
    "sendgrid_fields": "SendGrid fields",
}


@dataclass(frozen=True, slots=True)
class Offered:
    """What both accounts offer.

    Attributes:
        catalogue: of both.
        ready: the page need not wait any more.
        missing: the vendors that have not answered, each with the reason; empty: not yet.
    """

    catalogue: Catalogue
    ready: bool
    missing: dict[Vendor, str]

    @property
    def left_out(self) -> str:
        """What there was no room for, in words; empty: nothing."""
        counts = self.catalogue.left_out.items()
        return " and ".join(f"{_WORDS[name]} (by {count:,})" for name, count in counts)


def offered(console: Console, authorization: str) -> Offered:
    """Return what both accounts offer, and ask for it if nobody has within the last minutes.

    Args:
        console: the collaborators.
        authorization: the name of the secrets.
    """
    now_s = console.clock.now()
    if _NAME.fullmatch(authorization) is None:
        faults: dict[Vendor, str] = {"lytics": _NO_NAME, "sendgrid": _NO_NAME}
        return Offered(Catalogue(asked_s=int(now_s), done=True, faults=faults), ready=True, missing=faults)
    catalogue = _known(console, authorization)
    if catalogue is None:
        catalogue = ask(console, authorization)
    missing: dict[Vendor, str] = {}
    if catalogue.audiences is None or catalogue.lytics_fields is None:
        missing["lytics"] = catalogue.faults.get("lytics", "")
    if catalogue.lists is None or catalogue.sendgrid_fields is None:
        missing["sendgrid"] = catalogue.faults.get("sendgrid", "")
    ready = catalogue.done or not 0 <= now_s - catalogue.asked_s < WAIT_S
    return Offered(catalogue, ready, missing)


def ask(console: Console, authorization: str, *, again: bool = False) -> Catalogue:
    """Ask both vendors in the background. Of several pages that ask at once, one does.

    Args:
        console: the collaborators.
        authorization: the name of the secrets.
        again: also if there is an answer.
    """
    now_s = console.clock.now()
    asked = Catalogue(asked_s=int(now_s))
    key = catalogue_key(authorization)
    if console.store.put(key, asked.document(), now_s + ASKED_S, only_if_absent=not again, now_s=now_s):
        payload = {"authorization": authorization}
        console.functions.invoke_later(console.settings.catalogue_function, payload)
    return asked


def authorizations(exports: list[Export]) -> tuple[str, ...]:
    """Return ``default`` and the authorizations that exports use."""
    return tuple(dict.fromkeys(("default", *sorted(export.authorization for export in exports))))


def _known(console: Console, authorization: str) -> Catalogue | None:
    document = console.store.get(catalogue_key(authorization), console.clock.now())
    try:
        return Catalogue.read(document) if document is not None else None
    except InputInvalid:
        # An older release has written it in another form.
        return None
