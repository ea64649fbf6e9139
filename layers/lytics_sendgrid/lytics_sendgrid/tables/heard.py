"""When Lytics' last event of each export came, and how it comes otherwise, in the exports table.

export#<export>   heard    ``at_ms``: when the newest event was queued, written at most every 15 minutes
export#<export>   rhythm   JSON in ``doc``: what the hourly watch remembers
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lytics_sendgrid.aws.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


class HeardTable:
    """The last events of the exports. Reads are consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def heard_ms(self, export: str) -> int | None:
        """Return when the newest event known of an export was queued, milliseconds since 1970, or None."""
        item = self._get(export, "heard")
        return None if item is None else int(item["at_ms"]["N"])

    def put_heard(self, export: str, at_ms: int) -> None:
        """Keep when an event of an export was queued."""
        self._put(_key(export, "heard") | {"at_ms": {"N": str(at_ms)}})

    def rhythm(self, export: str) -> dict[str, Any] | None:
        """Return what the watch remembers of an export, or None."""
        item = self._get(export, "rhythm")
        if item is None:
            return None
        document: dict[str, Any] = json.loads(item["doc"]["S"])
        return document

    def put_rhythm(self, export: str, document: Mapping[str, Any]) -> None:
        """Keep what the watch remembers of an export."""
        text = json.dumps(document, separators=(",", ":"))
        self._put(_key(export, "rhythm") | {"doc": {"S": text}})

    def _get(self, export: str, kind: str) -> Mapping[str, Any] | None:
        with translated("DynamoDB"):
            answer = self._client.get_item(TableName=self._table, Key=_key(export, kind), ConsistentRead=True)
        return answer.get("Item")

    def _put(self, item: dict[str, Any]) -> None:
        with translated("DynamoDB"):
            self._client.put_item(TableName=self._table, Item=item)


def _key(export: str, kind: str) -> dict[str, Any]:
    return {"pk": {"S": f"export#{export}"}, "sk": {"S": kind}}
