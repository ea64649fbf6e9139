"""How far the scan of an audience is. ``backfill`` writes it; ``settle`` and ``report`` read it."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.counted_text import people as people_text
from lytics_sendgrid.domain.known_fields import known_fields

_MAX_SMALL_LOSS: Final = 100
_PAIRS: Final = ("email_fields", "sample", "expected")


@dataclass(frozen=True, slots=True)
class Paging:
    """How far the pages of a scan, or of one part of it, have been read.

    Attributes:
        cursor: where the next page begins; empty before the first page.
        pages: how many have been read.
        scanned: their rows. The rows of a repeated page count once.
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
        done: the last page has been read.
    """

    cursor: str = ""
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
    done: bool = False


@dataclass(frozen=True, slots=True)
class ScanPart(Paging):
    """One part of a scan that is read in parts at the same time.

    Attributes:
        splits: the values of the Lytics field ``_split`` that belong to it, as Lytics reads them: ``0,4,8``.
    """

    splits: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint(Paging):
    """How far a scan is: everything that its next invocation needs.

    If it is read in parts, the numbers are the sums of the parts'. Everything but ``restarts``, ``expected``
    and ``whole`` is counted since the scan last began.

    Attributes:
        stamp_ns: Lytics' clock when the scan began, less 10 minutes, in nanoseconds since 1970: what it shows
            is at least as new. None before the first page.
        began_s: our clock when the scan began, Unix seconds.
        email_fields: each export of the account that has the audience, and its e-mail field, as configured
            when the scan began.
        seen: hashes of addresses that are kept, see ``SeenTable``.
        chunks: in how many chunks.
        sample: up to 20 of the addresses, and whether Lytics has each with capitals: those first.
        parts: of a scan that is read in parts.
        counted: Lytics' total of the whole audience, read before the parts.
        whole: why the audience is scanned whole although parts were wanted; empty otherwise.
        restarts: how often the scan restarted because Lytics refused its cursor.
        fruitless: invocations in a row that read no page.
        trouble: why the audience cannot be scanned, and what to do; empty if it can. It ends the scan.
        expected: pairs of a prefix of message numbers and how many messages have it, one for each invocation
            that sent any.
    """

    stamp_ns: int | None = None
    began_s: int = 0
    email_fields: tuple[tuple[str, str], ...] = ()
    seen: int = 0
    chunks: int = 0
    sample: tuple[tuple[str, bool], ...] = ()
    parts: tuple[ScanPart, ...] = ()
    counted: int = 0
    whole: str = ""
    restarts: int = 0
    fruitless: int = 0
    trouble: str = ""
    expected: tuple[tuple[str, int], ...] = ()

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to scan: the audience is scanned, or cannot be."""
        return self.done or bool(self.trouble)

    @property
    def addresses_found(self) -> bool:
        """Whether any row had an address."""
        return self.seen > 0

    @property
    def people(self) -> int:
        """The number of rows that became changes."""
        return self.scanned - self.without_email - self.bad_email

    @property
    def numbers(self) -> set[str]:
        """The ``Message.number`` of every message that the scan queued and the run waits for."""
        return expected_numbers(self.expected)

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
            return shortage(counted, self.scanned)
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether the scan returned everybody in the audience, according to Lytics' totals."""
        return self.done and not self.trouble and not self.mismatch


def is_far_fewer(scanned: int, counted: int) -> bool:
    """Return whether a scan returned so few people that exits during the scan do not explain it."""
    return scanned * 10 < counted * 9 and (scanned == 0 or counted - scanned > _MAX_SMALL_LOSS)


def shortage(counted: int, scanned: int) -> str:
    """Return that a scan returned fewer people than Lytics counts, as text."""
    return f"Lytics counts {people_text(counted)} in the audience but its scan returned {scanned:,}"


def expected_numbers(expected: Iterable[tuple[str, int]]) -> set[str]:
    """Return every ``Message.number`` that a checkpoint's ``expected`` stands for."""
    return {message_number(prefix, n) for prefix, count in expected for n in range(count)}


def message_number(prefix: str, sequence: int) -> str:
    """Return the number of a message, unique in its run."""
    return f"{prefix}.{sequence}"


def checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as JSON values.

    ``people``, ``complete`` and ``mismatch`` are for a person who looks at the table.
    """
    document = dataclasses.asdict(checkpoint)
    for name in _PAIRS:
        document[name] = [list(pair) for pair in document[name]]
    return document | {
        "people": checkpoint.people,
        "complete": checkpoint.is_complete,
        "mismatch": checkpoint.mismatch if checkpoint.done else "",
    }


def checkpoint_from(document: Mapping[str, Any]) -> Checkpoint:
    """Read what ``checkpoint_document`` returned. Unknown keys are ignored."""
    values = known_fields(Checkpoint, document)
    for name in _PAIRS:
        values[name] = tuple(tuple(pair) for pair in document.get(name, ()))
    values["parts"] = tuple(ScanPart(**known_fields(ScanPart, part)) for part in document.get("parts", ()))
    return Checkpoint(**values)
