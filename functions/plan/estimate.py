"""Estimate a run's time and cost from the sizes of its audiences."""

import math
from typing import Final

from lytics_sendgrid.workflow.plan_summary import Estimate

_PAGE_S: Final = 0.25
_OVERHEAD_MINUTES: Final = 3
_WRITES_DOLLARS: Final = 0.625
_READS_DOLLARS: Final = 0.125 / 2
_SQS_DOLLARS: Final = 0.4 * 15_000 / 1_000_000
_LAMBDA_DOLLARS: Final = 0.10
_RUN_DOLLARS: Final = 0.01
_BASIS: Final = (
    "AWS list prices in us-east-1 without the free tier: one DynamoDB write unit ($0.625 per million) and "
    "half a read unit ($0.125 per million) for each person, 15,000 SQS requests ($0.40 per million) and "
    "about $0.10 of Lambda for each million people, and one cent for each run. Time: Lytics returns a page "
    "of 100 people in 0.25 s, as many pages are requested at the same time as the input allows, and SendGrid "
    "processes its import jobs within 3 minutes. A person in several audiences is counted in each of them."
)


def estimate(people: int, pages: float, *, backfill: bool) -> Estimate:
    """Estimate a run, without what SendGrid and Lytics charge.

    Args:
        people: the sum of the audiences' sizes.
        pages: how many pages are requested one after the other.
        backfill: whether the audiences are scanned at all.
    """
    scanned = people if backfill else 0
    millions = scanned / 1_000_000
    dollars = _RUN_DOLLARS + millions * (_WRITES_DOLLARS + _READS_DOLLARS + _SQS_DOLLARS + _LAMBDA_DOLLARS)
    return Estimate(
        minutes=math.ceil(pages * _PAGE_S / 60 if backfill else 0) + _OVERHEAD_MINUTES,
        aws_dollars=round(dollars, 2),
        basis=_BASIS,
    )
