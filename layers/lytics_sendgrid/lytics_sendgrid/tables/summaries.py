"""What is known of each export at a glance, in the exports table's list of all exports.

exports   <export>   JSON in ``as_configured``, ``as_activated``, ``last_run``, ``as_counted``, ``as_watched``

Each writer replaces its own part, so that none overwrites what another one has just written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.tables.partition import items_of
from lytics_sendgrid.workflow.summary import Summary, SummaryPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

LIST: Final = "exports"
_MAX_KEYS: Final = 100
"""Keys per request."""


def put_part(
    client: DynamoDBClient, table: str, export: str, part: SummaryPart, document: Mapping[str, Any]
) -> None:
    """Write a part of an export's summary, and its name into the list of all exports."""
    with translated("DynamoDB"):
        client.update_item(
            TableName=table,
            Key={"pk": {"S": LIST}, "sk": {"S": export}},
            UpdateExpression=f"SET doc = :nothing, {part} = :part",
            ExpressionAttributeValues={":nothing": {"S": "{}"}, ":part": {"S": _json(document)}},
        )


class SummariesTable:
    """The summaries of all exports."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put_summary(self, export: str, part: SummaryPart, document: Mapping[str, Any]) -> None:
        """Write a part of an export's summary.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        put_part(self._client, self._table, export, part, document)

    def without_part(self, part: SummaryPart) -> tuple[str, ...]:
        """Return the names of the exports that lack a part: an older release wrote none.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        items = items_of(self._client, self._table, LIST)
        return tuple(item["sk"]["S"] for item in items if part not in item)

    def summaries(self) -> tuple[Summary, ...]:
        """Return the summaries of all exports, in the order of their names.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        items = {item["sk"]["S"]: item for item in items_of(self._client, self._table, LIST)}
        more = dict(self._more(list(items)))
        return tuple(_summary(name, item, more) for name, item in items.items())

    def summary(self, export: str) -> Summary:
        """Return the summary of one export. One that nothing is known of has no parts.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        with translated("DynamoDB"):
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": LIST}, "sk": {"S": export}}, ConsistentRead=True
            )
        return _summary(export, answer.get("Item", {}), dict(self._more([export])))

    def _more(self, names: Sequence[str]) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
        """Yield what stands in items of its own: ``deliver`` and ``ingest`` write these often."""
        keys = [_key(name, kind) for name in names for kind in ("stop", "heard")]
        while keys:
            with translated("DynamoDB"):
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": keys[:_MAX_KEYS], "ConsistentRead": True}}
                )
            for item in answer["Responses"].get(self._table, ()):
                yield (item["pk"]["S"].removeprefix("export#"), item["sk"]["S"]), item
            unprocessed: Any = answer.get("UnprocessedKeys") or {}
            keys = [*unprocessed.get(self._table, {}).get("Keys", ()), *keys[_MAX_KEYS:]]


def _summary(
    export: str, item: Mapping[str, Any], more: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Summary:
    return Summary(
        export,
        {part: json.loads(item[part]["S"]) for part in SummaryPart if part in item},
        _stop(more.get((export, "stop"), {})),
        _heard_ms(more.get((export, "heard"), {})),
    )


def _stop(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return json.loads(item["doc"]["S"]) if "doc" in item else None


def _heard_ms(item: Mapping[str, Any]) -> int | None:
    return int(item["at_ms"]["N"]) if item else None


def _key(export: str, kind: str) -> dict[str, Any]:
    return {"pk": {"S": f"export#{export}"}, "sk": {"S": kind}}


def _json(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace").decode()
