"""Share the requests that a run may have open at Lytics among its audiences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.workflow.export_run import ScanOrder


@dataclass(frozen=True, slots=True)
class Scanned:
    """An audience to scan.

    Attributes:
        audience: its id.
        people: how many Lytics counts in it; 0 if unknown.
        queues: whether everybody in it is queued.
    """

    audience: str
    people: int
    queues: bool = True


def scan_orders(scanned: Sequence[Scanned], parallelism: int) -> dict[str, Any]:
    """Return a part of the state: what to scan, the largest audience first, and how many at the same time.

    About half of the requests are one for each audience that is scanned. The others go to the largest
    audiences, one by one to the one with the most people for each request. However the audiences follow each
    other, their requests together are never more than ``parallelism``.

    Args:
        scanned: the audiences.
        parallelism: how many requests the whole run may have open, at least 1.
    """
    ordered = sorted(scanned, key=lambda audience: -audience.people)
    requests, at_once = _shares([audience.people for audience in ordered], parallelism)
    return {"scans": tuple(map(_order, ordered, requests)), "scans_at_once": at_once}


def pages_in_a_row(sizes: Sequence[int], parallelism: int) -> float:
    """Return how many pages a run requests one after the other, at least.

    Args:
        sizes: the people in each audience.
        parallelism: how many requests the whole run may have open.
    """
    ordered = sorted(sizes, reverse=True)
    requests, _ = _shares(ordered, parallelism)
    slowest = max((size / count for size, count in zip(ordered, requests, strict=True)), default=0)
    return max(sum(sizes) / parallelism, slowest) / PAGE_ROWS


def _shares(sizes: Sequence[int], parallelism: int) -> tuple[list[int], int]:
    """Return the requests of each audience, and how many audiences are scanned at the same time."""
    at_once = max(1, min(len(sizes), parallelism // 2 + 1))
    requests = [1] * len(sizes)
    for _ in range(parallelism - at_once if sizes else 0):
        shares = [size / count for size, count in zip(sizes, requests, strict=True)]
        requests[shares.index(max(shares))] += 1
    return requests, at_once


def _order(scanned: Scanned, requests: int) -> ScanOrder:
    # What is set is part of the state, which must stay small.
    optional: dict[str, Any] = {"requests": requests} if requests > 1 else {}
    if not scanned.queues:
        optional["queues"] = False
    return ScanOrder(id=scanned.audience, **optional)
