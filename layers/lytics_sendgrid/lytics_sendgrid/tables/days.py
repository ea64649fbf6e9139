"""How many people each export's changes were for, day by day, in the exports table.

export#<export>   day#<2026-11-26>   ``accepted``, ``unchanged`` and ``rejected``, numbers; the day is UTC

A count is about right: an update that boto3 repeats may count twice, and a crash may leave one out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lytics_sendgrid.aws.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

OUTCOMES: Final = ("accepted", "unchanged", "rejected")
DAYS_KEPT_S: Final = 400 * 86_400


class DaysTable:
    """The daily counts of the exports."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add_counts(self, export: str, day: str, counts: Mapping[str, int], now_s: int) -> None:
        """Add to an export's counts of a day, in one write.

        Args:
            export: its name.
            day: such as ``2026-11-26``.
            counts: by outcome, one of ``OUTCOMES``. May be negative.
            now_s: our clock, Unix seconds.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        values = {f":{name}": {"N": str(counts.get(name, 0))} for name in OUTCOMES}
        added = ", ".join(f"{name} :{name}" for name in OUTCOMES)
        with translated("DynamoDB"):
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"export#{export}"}, "sk": {"S": f"day#{day}"}},
                UpdateExpression=f"SET expires_epoch_s = :expires ADD {added}",
                ExpressionAttributeValues=values | {":expires": {"N": str(now_s + DAYS_KEPT_S)}},
            )

    def days(self, export: str, first: str, last: str) -> dict[str, dict[str, int]]:
        """Return an export's counts by outcome of each day that has any, in order.

        Args:
            export: its name.
            first: the first day, such as ``2026-11-26``.
            last: the last day. At most 1 MB is read: thousands of days.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        with translated("DynamoDB"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":pk": {"S": f"export#{export}"},
                    ":first": {"S": f"day#{first}"},
                    ":last": {"S": f"day#{last}"},
                },
            )
        return {
            item["sk"]["S"].removeprefix("day#"): {name: int(item[name]["N"]) for name in OUTCOMES}
            for item in answer["Items"]
        }
