"""Checkpoints of walks through the ledger, in the exports table.

run#<run>   walk#<task>   JSON in ``doc``; ``expected`` in it: pairs of a prefix of message numbers and how
                          many messages have it, for which ``settle`` waits
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.tables.exports import RUN_KEPT_S, UNFINISHED_KEPT_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


class WalksTable:
    """The checkpoints of walks. Reads are consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def walk(self, run: str, task: str) -> dict[str, Any] | None:
        """Return the checkpoint of a run's walk, or None if it has not begun."""
        with translated("DynamoDB"):
            answer = self._client.get_item(TableName=self._table, Key=_key(run, task), ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        document: dict[str, Any] = json.loads(item["doc"]["S"])
        return document

    def put_walk(
        self, run: str, task: str, document: Mapping[str, Any], now_s: int, *, finished: bool
    ) -> None:
        """Keep the checkpoint of a run's walk.

        Args:
            run: the execution's name.
            task: the function that walks.
            document: JSON values with ``expected``.
            now_s: our clock, Unix seconds.
            finished: the walk has ended: its checkpoint holds no address any more, and is kept with the run.
                Otherwise it is kept for eight days.
        """
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        expires_epoch_s = {"N": str(now_s + (RUN_KEPT_S if finished else UNFINISHED_KEPT_S))}
        item = _key(run, task) | {"doc": {"S": text}, "expires_epoch_s": expires_epoch_s}
        with translated("DynamoDB"):
            self._client.put_item(TableName=self._table, Item=item)


def _key(run: str, task: str) -> dict[str, Any]:
    return {"pk": {"S": f"run#{run}"}, "sk": {"S": f"walk#{task}"}}
