"""Bills of a million people or events: quantities beside their floors, in dollars at list prices."""

from typing import Final

from lytics_sendgrid.lytics.api import PAGE_ROWS
from tests.bench import prices
from tests.bench.figures import Section
from tests.bench.scene import MEMORY_MB
from tests.bench.usage import Usage

MILLION: Final = 1_000_000


class Bill:
    """Adds up a section of costs: each line with its quantity and its dollars beside their floors."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._dollars = self._floor = 0.0

    def line(self, name: str, quantity: float, price: float, *, floor: float, how: str) -> None:
        """Add what something costs; `quantity` and `floor` are for a million."""
        self._section.add(
            name, quantity, floor=floor, dollars=quantity * price, floor_dollars=floor * price, how=how
        )
        self._dollars += quantity * price
        self._floor += floor * price

    def total(self, limit: float | None = None) -> None:
        """Add the sum."""
        self._section.add(
            "together, dollars",
            self._dollars,
            floor=self._floor,
            limit=limit,
            dollars=self._dollars,
            floor_dollars=self._floor,
        )

    def delivered(self, usage: Usage, *, writes_floor: float, writes_how: str, queued: str) -> None:
        """Add the units and SQS requests of what `deliver` and `confirm` took.

        Args:
            usage: what they took, of fewer than a million.
            writes_floor: write units of a million.
            writes_how: what they are, and their floor.
            queued: the floor of the SQS requests.
        """
        share = MILLION / usage.changes
        writes = usage.write_units * share
        self.line(
            "DynamoDB: write units", writes, prices.DYNAMODB_WRITE_UNIT, floor=writes_floor, how=writes_how
        )
        self.read_units("DynamoDB: read units", usage.read_units * share, MILLION / 2, "floor: half a person")
        self.line(
            "SQS: requests, at 64 KB",
            usage.sqs_requests * share,
            prices.SQS_REQUEST,
            floor=usage.sqs_floor * share,
            how=f"floor: {queued}",
        )

    def read_units(self, name: str, units: float, floor: float, how: str) -> None:
        """Add read units of DynamoDB."""
        self.line(name, units, prices.DYNAMODB_READ_UNIT, floor=floor, how=how)

    def function(self, name: str, seconds: float, *, floor_s: float = 0.0, how: str) -> None:
        """Add the seconds that a function is billed."""
        gb = MEMORY_MB[name] / 1024
        self.line(
            f"Lambda: {name}, GB-seconds", seconds * gb, prices.LAMBDA_GB_SECOND, floor=floor_s * gb, how=how
        )

    def scanned(self, page_cpu_s: float) -> None:
        """Add the seconds of `backfill` for a million people."""
        pages = MILLION / PAGE_ROWS
        self.function(
            "backfill",
            pages * (page_cpu_s + prices.LYTICS_PAGE_S),
            floor_s=pages * prices.LYTICS_PAGE_S,
            how=(
                f"{page_cpu_s * 1e3:.1f} ms of CPU a page of {PAGE_ROWS}, and {prices.LYTICS_PAGE_S} s for "
                f"Lytics to answer (assumed)"
            ),
        )
