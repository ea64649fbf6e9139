"""Decide, page by page, how far a scan of an audience has come and whether it may go on.

A scan pages through an audience's members by cursors that must be recent (Lytics V1 OpenAPI) and of which nothing
else is documented. So a cursor that comes again ends the scan with an error, one that Lytics no longer takes begins
it anew, and only an empty one is its end.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.errors import ScanStuck
from lytics_sendgrid.lytics_documents import ScanPage
from lytics_sendgrid.scan_rows import PageOfChanges

MAX_RESTARTS: Final = 3
MAX_FRUITLESS: Final = 8
"""Invocations in a row without one page: nearly two hours at 14 minutes each, as long as Lytics retries webhooks."""
_FEW: Final = 100


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a scan has come: all that its next invocation needs to go on.

    Attributes:
        cursor: where the next page begins; empty before the first page.
        started_ns: Lytics' clock at the first page; None before it.
        pages: read since the scan last began.
        scanned: rows since then; those of a page that comes again count once.
        without_email: of those, the ones with nothing in the e-mail field.
        bad_email: the ones with something in it that cannot be an address.
        smallest: the smallest total that a page with rows told, if any did: one without may tell what it failed to look up.
        largest: the largest that any page told.
        anchor: an earlier cursor, which no later one may equal.
        anchor_age: pages read since the anchor was set.
        anchor_span: when it is that old, the anchor moves up: a cycle of any length is met (Brent's algorithm).
        addresses: a hash of the addresses on the last page that had any.
        anchor_addresses: of those on the anchor's page.
        restarts: how often the scan began anew because its cursor was refused.
        fruitless: invocations in a row that read no page.
        expected: prefix of message numbers and how many there are of it, one for each invocation that sent any.
        done: the last page has been read and queued.
    """

    cursor: str = ""
    started_ns: int | None = None
    pages: int = 0
    scanned: int = 0
    without_email: int = 0
    bad_email: int = 0
    smallest: int | None = None
    largest: int | None = None
    anchor: str = ""
    anchor_age: int = 0
    anchor_span: int = 1
    addresses: str = ""
    anchor_addresses: str = ""
    restarts: int = 0
    fruitless: int = 0
    expected: tuple[tuple[str, int], ...] = ()
    done: bool = False

    @property
    def people(self) -> int:
        """How many rows became changes."""
        return self.scanned - self.without_email - self.bad_email

    @property
    def misfit(self) -> str:
        """Say why a scan that is done does not fit what Lytics counts; empty where it fits.

        More rows than people are no fault: rows may come twice, and people enter meanwhile.
        """
        counted = self.smallest if self.scanned else self.largest
        if counted is None or self.largest is None:
            return "Lytics did not say how many people are in the audience"
        if is_far_below(self.scanned, self.largest):
            counted = self.largest
        if self.scanned < counted:
            return f"Lytics counts {counted} people in the audience and returned {self.scanned}"
        return ""

    @property
    def is_complete(self) -> bool:
        """Tell whether everybody in the audience was seen, as far as Lytics' total shows."""
        return self.done and not self.misfit


def is_far_below(scanned: int, counted: int) -> bool:
    """Tell whether a scan returned fewer people than Lytics counts by more than may have left between the two."""
    return scanned * 10 < counted * 9 and (scanned == 0 or counted - scanned > _FEW)


def advanced(checkpoint: Checkpoint, page: ScanPage, meaning: PageOfChanges, answered_ns: int) -> Checkpoint:
    """Return the checkpoint after a page.

    Raises:
        ScanStuck: the page's cursor has come before.
    """
    told = page.total if page.rows else None
    addresses = _addresses(meaning) or checkpoint.addresses
    if meaning.changes and addresses in {checkpoint.addresses, checkpoint.anchor_addresses}:
        # The same people under another cursor. Not counted again, they cannot stand for those who did not come.
        page, meaning = dataclasses.replace(page, rows=()), PageOfChanges((), 0, 0)
    after = dataclasses.replace(
        checkpoint,
        cursor=page.cursor,
        started_ns=answered_ns if checkpoint.started_ns is None else checkpoint.started_ns,
        pages=checkpoint.pages + 1,
        scanned=checkpoint.scanned + len(page.rows),
        without_email=checkpoint.without_email + meaning.without_email,
        bad_email=checkpoint.bad_email + meaning.bad_email,
        smallest=min((n for n in (told, checkpoint.smallest) if n is not None), default=None),
        largest=max((n for n in (page.total, checkpoint.largest) if n is not None), default=None),
        addresses=addresses,
        fruitless=0,
        done=not page.cursor,
    )
    if after.done:
        return after
    if page.cursor in {checkpoint.cursor, checkpoint.anchor}:
        raise ScanStuck(
            f"Lytics' scan repeats its cursor after {after.pages} pages and {after.scanned} rows: start the export "
            f"again, and tell Lytics' support where it repeats"
        )
    if checkpoint.anchor_age + 1 == checkpoint.anchor_span:
        span = checkpoint.anchor_span * 2
        after = dataclasses.replace(after, anchor_addresses=addresses)
        return dataclasses.replace(after, anchor=page.cursor, anchor_age=0, anchor_span=span)
    return dataclasses.replace(after, anchor_age=checkpoint.anchor_age + 1)


def _addresses(meaning: PageOfChanges) -> str:
    """Return a hash of a page's addresses in their order; empty where there are none."""
    if not meaning.changes:
        return ""
    addresses = json.dumps([change.email for change in meaning.changes])
    return hashlib.blake2b(addresses.encode(), digest_size=8).hexdigest()


def restarted(checkpoint: Checkpoint, refusal: str) -> Checkpoint:
    """Return the checkpoint of a scan that begins anew, because Lytics no longer takes its cursor.

    Messages that were queued stay expected: what they say was true, and everybody in them comes again.

    Raises:
        ScanStuck: it has begun anew too often.
    """
    if checkpoint.restarts >= MAX_RESTARTS:
        raise ScanStuck(
            f"Lytics refused the scan's cursor {checkpoint.restarts + 1} times, last after {checkpoint.pages} pages "
            f"({refusal}): start the export again when Lytics is less busy"
        )
    return Checkpoint(restarts=checkpoint.restarts + 1, expected=checkpoint.expected)


def rested(checkpoint: Checkpoint, reason: str) -> Checkpoint:
    """Return the checkpoint after an invocation that read no page.

    Raises:
        ScanStuck: too many in a row read none.
    """
    if checkpoint.fruitless + 1 >= MAX_FRUITLESS:
        raise ScanStuck(
            f"Lytics has not answered the scan for {MAX_FRUITLESS} invocations ({reason}): start the export again "
            f"when Lytics answers"
        )
    return dataclasses.replace(checkpoint, fruitless=checkpoint.fruitless + 1)


def with_messages(checkpoint: Checkpoint, prefix: str, messages: int) -> Checkpoint:
    """Return the checkpoint with the messages of one invocation expected; an earlier count of its prefix is replaced."""
    others = tuple(entry for entry in checkpoint.expected if entry[0] != prefix)
    return dataclasses.replace(checkpoint, expected=(*others, (prefix, messages)) if messages else others)


def message_number(prefix: str, sequence: int) -> str:
    """Name a message within a run."""
    return f"{prefix}.{sequence}"


def numbers_of(document: Mapping[str, Any] | None) -> set[str]:
    """Return the numbers of all messages that a checkpoint expects to be delivered, as ``Message.number`` has them.

    Args:
        document: as ``ExportsTable.scan`` returns it: None where the scan has not begun.
    """
    if document is None:
        return set()
    return {message_number(prefix, n) for prefix, count in document["expected"] for n in range(count)}


def checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """Write a checkpoint as JSON values, with what a report reads: ``people``, ``complete`` and ``misfit``."""
    document = dataclasses.asdict(checkpoint)
    document["expected"] = [list(entry) for entry in checkpoint.expected]
    return document | {
        "people": checkpoint.people,
        "complete": checkpoint.is_complete,
        "misfit": checkpoint.misfit if checkpoint.done else "",
    }


def progress_document(audience: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """Write what a person, or the state machine, needs of a checkpoint."""
    return {
        "audience": audience,
        "done": checkpoint.done,
        "scanned": checkpoint.scanned,
        "without_email": checkpoint.without_email,
        "bad_email": checkpoint.bad_email,
        "people": checkpoint.people,
        "messages": sum(count for _, count in checkpoint.expected),
        "restarts": checkpoint.restarts,
        "complete": checkpoint.is_complete,
        "misfit": checkpoint.misfit if checkpoint.done else "",
    }


def checkpoint_from(document: Mapping[str, Any] | None) -> Checkpoint:
    """Read what ``checkpoint_document`` wrote; a scan that has not begun where there is nothing."""
    if document is None:
        return Checkpoint()
    names = {field.name for field in dataclasses.fields(Checkpoint)}
    values = {name: value for name, value in document.items() if name in names}
    values["expected"] = tuple((prefix, count) for prefix, count in document["expected"])
    return Checkpoint(**values)
