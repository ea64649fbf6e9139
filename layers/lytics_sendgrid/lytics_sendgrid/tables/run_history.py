"""The runs of each export by their beginning, in the exports table.

export#<export>   ran#<2026-11-26T02:00:04Z>#<run>   JSON in ``doc``: a ``RunRecord``
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.tables.summaries import put_part
from lytics_sendgrid.workflow.run_record import RunRecord
from lytics_sendgrid.workflow.summary import SummaryPart, counted, last_run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HISTORY_KEPT_S: Final = 400 * 86_400


class RunHistory:
    """The history of each export."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def record_run(self, export: str, record: RunRecord, now_s: int) -> None:
        """Keep a run's record. A later one of the same run replaces it. The list of exports has the last run.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        text = json.dumps(record.document(), separators=(",", ":"), ensure_ascii=False)
        with translated("DynamoDB"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": f"export#{export}"},
                    "sk": {"S": f"ran#{record.started_at}#{record.run}"},
                    "doc": {"S": text},
                    "expires_epoch_s": {"N": str(now_s + HISTORY_KEPT_S)},
                },
            )
        put_part(self._client, self._table, export, SummaryPart.RUN, last_run(record))
        sums = counted(record)
        if sums is not None:
            put_part(self._client, self._table, export, SummaryPart.COUNTED, sums)

    def latest_runs(self, export: str, limit: int) -> tuple[RunRecord, ...]:
        """Return the last runs of an export, the newest first.

        A repeated plan may have left a second record of one run: only its last one is returned.

        Args:
            export: its name.
            limit: how many at most. At most 1 MB is read.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        with translated("DynamoDB"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :beginning)",
                ExpressionAttributeValues={":pk": {"S": f"export#{export}"}, ":beginning": {"S": "ran#"}},
                ScanIndexForward=False,
                Limit=limit,
            )
        records: dict[str, RunRecord] = {}
        for item in answer["Items"]:
            record = RunRecord.read(json.loads(item["doc"]["S"]))
            records.setdefault(record.run, record)
        return tuple(records.values())
