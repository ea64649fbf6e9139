"""Faults drawn from a seed. Each kind has its own random numbers, so removing one moves no other."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Final

RATES: Final[Mapping[str, float]] = {
    # processes
    "crash": 0.04,
    "abandoned": 0.06,
    "stall": 0.03,
    # SQS
    "send_refused": 0.05,
    "send_lost": 0.05,
    "send_twice": 0.05,
    "send_partly": 0.1,
    "received_twice": 0.1,
    "delete_lost": 0.08,
    # DynamoDB
    "stale_read": 0.2,
    "unprocessed": 0.15,
    "dynamodb_refused": 0.04,
    "dynamodb_lost": 0.06,
    "dynamodb_retried": 0.06,
    "dynamodb_slow": 0.08,
    "statement_refused": 0.1,
    "statement_failed": 0.05,
    # requests to SendGrid
    "refused_connection": 0.06,
    "busy": 0.06,
    "server_error": 0.08,
    "dropped_request": 0.06,
    "lost_answer": 0.1,
    "slow_request": 0.08,
    "slow_answer": 0.08,
    "no_job_id": 0.03,
    "request_fault": 0.03,
    "list_gone": 0.04,
    "unnamed_refusal": 0.5,
    # SendGrid's import jobs
    "job_failed": 0.12,
    "job_late": 0.12,
    "job_stuck": 0.05,
    "job_forgotten": 0.1,
    "job_unseen": 0.1,
    "file_unavailable": 0.2,
    # the schedule
    "redrive": 0.5,
    "redriven_twice": 0.3,
}
"""Kind to its probability at each opportunity, in a schedule that has this kind."""


class Faults:
    """The faults of one schedule.

    Attributes:
        hits: kind and number of each fault that happened.
    """

    def __init__(
        self,
        seed: int,
        rates: Mapping[str, float],
        most: int,
        suppressed: Collection[tuple[str, int]] = (),
    ) -> None:
        """Prepare the draws.

        Args:
            seed: the schedule's seed.
            rates: kind to probability; a missing kind never happens.
            most: the maximum number of faults.
            suppressed: faults to leave out.
        """
        self.hits: list[tuple[str, int]] = []
        self._seed = seed
        self._rates = rates
        self._left = most
        self._suppressed = suppressed
        self._draws: dict[str, Random] = {}
        self._counts: dict[str, int] = {}

    def stop(self) -> None:
        """Stop all faults."""
        self._rates = {}

    def hit(self, kind: str) -> float | None:
        """Draw whether a fault happens here. Return its severity from 0 to 1, or None."""
        rate = self._rates.get(kind)
        if rate is None:
            return None
        draws = self._draws.get(kind)
        if draws is None:
            draws = self._draws[kind] = Random(self._seed * 64 + _NUMBERS[kind])
        if draws.random() >= rate:
            return None
        severity = draws.random()
        number = self._counts.get(kind, 0)
        self._counts[kind] = number + 1
        if self._left == 0 or (kind, number) in self._suppressed:
            return None
        self._left -= 1
        self.hits.append((kind, number))
        return severity


_NUMBERS: Final = {kind: number for number, kind in enumerate(RATES)}
