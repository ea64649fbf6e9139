"""How far the scan of an audience has come: backfill writes it, settle and report read it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

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
