"""Draw faults for requests, from a seeded generator."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from tests.local.sendgrid_twin.options import Fault


@dataclass(slots=True)
class _Planned:
    fault: Fault
    struck: int = 0
    left_of_burst: int = 0


class FaultPlan:
    """The active faults, and how often each has struck."""

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._planned = [_Planned(fault) for fault in faults]
        self._random = Random(seed)

    def draw(self, endpoint: str) -> tuple[Fault | None, Fault | None]:
        """Draw the faults of one request.

        Args:
            endpoint: `METHOD /path/{template}`.

        Returns:
            The fault of the request and the fault of the import job that it starts. If several strike, the
            one set first.
        """
        request: Fault | None = None
        job: Fault | None = None
        for planned in self._planned:
            about_jobs = planned.fault.kind.is_about_jobs
            if (job if about_jobs else request) is not None:
                continue
            if about_jobs and endpoint != "PUT /v3/marketing/contacts":
                continue
            if self._strikes(planned, endpoint):
                if about_jobs:
                    job = planned.fault
                else:
                    request = planned.fault
        return request, job

    def _strikes(self, planned: _Planned, endpoint: str) -> bool:
        fault = planned.fault
        if not fnmatchcase(endpoint, fault.on):
            return False
        if fault.max_count is not None and planned.struck >= fault.max_count:
            return False
        if planned.left_of_burst == 0:
            if self._random.random() >= fault.rate:
                return False
            planned.left_of_burst = fault.burst
        planned.left_of_burst -= 1
        planned.struck += 1
        return True

    def counts(self) -> list[dict[str, Any]]:
        """Return how often each fault has struck, in the order in which they were set."""
        return [
            {"kind": planned.fault.kind, "on": planned.fault.on, "struck": planned.struck}
            for planned in self._planned
        ]
