"""How long a run takes and what it costs, roughly: before it starts, from the audiences' sizes alone."""

import math
from typing import Any, Final

_PAGE_S: Final = 0.25
_PAGE_PEOPLE: Final = 100
_SCANS: Final = 3
_OVERHEAD_MINUTES: Final = 3
_WRITES_DOLLARS: Final = 0.625
_READS_DOLLARS: Final = 0.125 / 2
_SQS_DOLLARS: Final = 0.4 * 15_000 / 1_000_000
_LAMBDA_DOLLARS: Final = 0.10
_RUN_DOLLARS: Final = 0.01
_BASIS: Final = (
    "AWS list prices of us-east-1 without the free tier: one DynamoDB write unit a person ($0.625 a million) and half a "
    "read unit ($0.125 a million), 15,000 SQS requests a million people ($0.40 a million), about $0.10 of Lambda a "
    "million people, one cent a run. Time: Lytics answers a page of 100 people in 0.25 s, three audiences at a time, and "
    "SendGrid works its import jobs off within 3 minutes. People in several audiences are counted in each."
)


def estimate(people: int, largest: int, *, backfill: bool) -> dict[str, Any]:
    """Estimate a run.

    Args:
        people: the sum of the audiences' sizes.
        largest: the size of the largest one.
        backfill: whether they are scanned at all.

    Returns:
        ``minutes``, ``aws_dollars`` and their ``basis`` in words. SendGrid and Lytics have prices of their own.
    """
    scanned = people if backfill else 0
    pages = max(largest if backfill else 0, scanned / _SCANS) / _PAGE_PEOPLE
    millions = scanned / 1_000_000
    dollars = _RUN_DOLLARS + millions * (_WRITES_DOLLARS + _READS_DOLLARS + _SQS_DOLLARS + _LAMBDA_DOLLARS)
    return {
        "minutes": math.ceil(pages * _PAGE_S / 60) + _OVERHEAD_MINUTES,
        "aws_dollars": round(dollars, 2),
        "basis": _BASIS,
    }
