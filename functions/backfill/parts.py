"""Read an audience in parts at the same time, and check that the parts are the whole audience.

Lytics' scan takes ``splits``: buckets 0 to 99 of the profile field ``_split``. It documents no more than
that. A profile without the field may be in no bucket, so the parts' totals are compared with the whole's.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final

from lytics_sendgrid.counted_text import people
from lytics_sendgrid.domain.checkpoint import Checkpoint, ScanPart
from lytics_sendgrid.lytics.api import PAGE_ROWS

_BUCKETS: Final = 100
_MAX_TIMES_WHOLE: Final = 1.5
"""If the parts' total exceeds the whole by this factor, Lytics ignored ``splits``: each part is the whole."""


def is_worth_dividing(total: int | None, requests: int) -> bool:
    """Return whether an audience has at least one page for each request."""
    return requests > 1 and total is not None and total > requests * PAGE_ROWS


def divided(checkpoint: Checkpoint, total: int, requests: int) -> Checkpoint:
    """Return the checkpoint of a scan that is read in as many parts as requests.

    Args:
        checkpoint: without pages.
        total: how many people Lytics counts in the whole audience.
        requests: at least two.
    """
    buckets = range(_BUCKETS)
    parts = tuple(ScanPart(splits=",".join(map(str, buckets[n::requests]))) for n in range(requests))
    return dataclasses.replace(checkpoint, parts=parts, counted=total)


def with_part(checkpoint: Checkpoint, number: int, part: ScanPart) -> Checkpoint:
    """Return the checkpoint with one part set, and with the sums of all."""
    parts = (*checkpoint.parts[:number], part, *checkpoint.parts[number + 1 :])
    return dataclasses.replace(
        checkpoint,
        parts=parts,
        pages=sum(part.pages for part in parts),
        scanned=sum(part.scanned for part in parts),
        without_email=sum(part.without_email for part in parts),
        bad_email=sum(part.bad_email for part in parts),
        smallest=_sum([part.smallest if part.scanned else part.largest for part in parts]),
        largest=_sum([part.largest for part in parts]),
    )


def have_just_begun(checkpoint: Checkpoint, number: int) -> bool:
    """Return whether all parts have now read their first page, with this page as the last of them."""
    return checkpoint.parts[number].pages == 1 and all(part.pages for part in checkpoint.parts)


def difference(totals: Sequence[int | None], whole: int | None) -> str:
    """Return why parts are not the whole audience, going by Lytics' totals; empty if they are."""
    total = _sum(totals)
    if total is None or whole is None:
        return "Lytics did not say how many people are in each part"
    if total < whole:
        return f"Lytics counts {people(total)} in the parts of the audience, but {whole:,} in the whole"
    if total > whole * _MAX_TIMES_WHOLE:
        return f"Lytics counts {people(total)} in the parts of the audience, but only {whole:,} in the whole"
    return ""


def _sum(totals: Sequence[int | None]) -> int | None:
    known = [total for total in totals if total is not None]
    return sum(known) if len(known) == len(totals) else None
