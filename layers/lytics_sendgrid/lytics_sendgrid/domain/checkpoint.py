"""How far the scan of an audience is. ``backfill`` writes it; ``settle`` and ``report`` read it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_MAX_SMALL_LOSS: Final = 100


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a scan is: everything that its next invocation needs.

    Attributes:
        cursor: where the next page begins; empty before the first page.
        started_ns: Lytics' clock at the first page; None before it.
        pages: read since the scan last began.
        scanned: rows since then. The rows of a repeated page count once.
        without_email: of those, the ones whose e-mail field is empty.
        bad_email: of those, the ones whose e-mail field holds no valid address.
        smallest: the smallest total reported by a page with rows. An empty page's total is not trusted.
        largest: the largest total reported by any page.
        anchor: an earlier cursor; a later cursor that equals it closes a cycle.
        anchor_age: pages read since the anchor was set.
        anchor_span: the age at which the anchor moves to the current cursor. It doubles each time, so a cycle
            of any length is found (Brent's algorithm).
        addresses: a hash of the addresses on the last page that had any.
        anchor_addresses: the same for the anchor's page.
        restarts: how often the scan started again because Lytics refused its cursor.
        fruitless: invocations in a row that read no page.
        expected: pairs of a prefix of message numbers and how many messages have it, one for each invocation
            that sent any.
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
        """The number of rows that became changes."""
        return self.scanned - self.without_email - self.bad_email

    @property
    def numbers(self) -> set[str]:
        """The ``Message.number`` of every message that the scan queued and the run waits for."""
        return {message_number(prefix, n) for prefix, count in self.expected for n in range(count)}

    @property
    def mismatch(self) -> str:
        """Why a finished scan does not fit Lytics' own count; empty if it does.

        More rows than people are normal: rows may be repeated, and people may enter during the scan.
        """
        counted = self.smallest if self.scanned else self.largest
        if counted is None or self.largest is None:
            return "Lytics did not say how many people are in the audience"
        if is_far_fewer(self.scanned, self.largest):
            counted = self.largest
        if self.scanned < counted:
            return f"Lytics counts {counted} people in the audience but its scan returned {self.scanned}"
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether the scan returned everybody in the audience, according to Lytics' totals."""
        return self.done and not self.mismatch


def is_far_fewer(scanned: int, counted: int) -> bool:
    """Return whether a scan returned so few people that exits during the scan do not explain it."""
    return scanned * 10 < counted * 9 and (scanned == 0 or counted - scanned > _MAX_SMALL_LOSS)


def message_number(prefix: str, sequence: int) -> str:
    """Return the number of a message, unique in its run."""
    return f"{prefix}.{sequence}"


def checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as JSON values.

    ``people``, ``complete`` and ``misfit`` are for a person who looks at the table.
    """
    document = dataclasses.asdict(checkpoint)
    document["expected"] = [list(entry) for entry in checkpoint.expected]
    return document | {
        "people": checkpoint.people,
        "complete": checkpoint.is_complete,
        "misfit": checkpoint.mismatch if checkpoint.done else "",
    }


def checkpoint_from(document: Mapping[str, Any]) -> Checkpoint:
    """Read what ``checkpoint_document`` returned."""
    names = {field.name for field in dataclasses.fields(Checkpoint)}
    values = {name: value for name, value in document.items() if name in names}
    values["expected"] = tuple((prefix, count) for prefix, count in document["expected"])
    return Checkpoint(**values)
