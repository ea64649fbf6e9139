"""What is known of each export at a glance, in the exports table's list of all exports.

exports   <export>   JSON in ``as_configured``, ``as_activated``, ``last_run`` and ``as_watched``

Each writer replaces its own part, so that none overwrites what another one has just written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.tables.partition import items_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from lytics_sendgrid.domain.configuration import Export
    from lytics_sendgrid.workflow.run_record import RunRecord

LIST: Final = "exports"
_MAX_KEYS: Final = 100
"""In one request."""
_MAX_NAMES: Final = 20
_MAX_NAME_CHARS: Final = 200


class Part(StrEnum):
    """A part of an export's summary, by the attribute that holds it."""

    CONFIGURED = "as_configured"
    ACTIVATED = "as_activated"
    RUN = "last_run"
    WATCHED = "as_watched"


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of an export.

    Attributes:
        name: the export's.
        parts: what has been written so far. An export of an older release has none.
        stop: why its changes wait, as ``Stop``'s fields; None: they do not.
        heard_ms: when the last event known of it was queued, milliseconds since 1970; None: none was.
    """

    name: str
    parts: Mapping[Part, Mapping[str, Any]]
    stop: Mapping[str, Any] | None
    heard_ms: int | None


def put_part(
    client: DynamoDBClient, table: str, export: str, part: Part, document: Mapping[str, Any]
) -> None:
    """Write a part of an export's summary, and its name into the list of all exports."""
    with translated("DynamoDB"):
        client.update_item(
            TableName=table,
            Key={"pk": {"S": LIST}, "sk": {"S": export}},
            UpdateExpression=f"SET doc = :nothing, {part} = :part",
            ExpressionAttributeValues={":nothing": {"S": "{}"}, ":part": {"S": _json(document)}},
        )


def configured(export: Export) -> dict[str, Any]:
    """Return what the configuration of an export says at a glance. Names of many audiences are left out."""
    return {
        "audiences": [audience.name[:_MAX_NAME_CHARS] for audience in export.audiences[:_MAX_NAMES]],
        "audiences_count": len(export.audiences),
        "authorization": export.authorization,
        "stopped_s": export.stopped_s,
    }


def last_run(record: RunRecord) -> dict[str, Any]:
    """Return what a run's record says at a glance: sums instead of its audiences.

    ``lytics`` and ``sendgrid`` are how many people both count in all audiences; None: unknown.
    """
    return {name: value for name, value in record.document().items() if name != "audiences"} | {
        "lytics": _sum(audience.lytics for audience in record.audiences),
        "sendgrid": _sum(audience.sendgrid for audience in record.audiences),
    }


class SummariesTable:
    """The summaries of all exports."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put_summary(self, export: str, part: Part, document: Mapping[str, Any]) -> None:
        """Write a part of an export's summary.

        Raises:
            RetryLater: DynamoDB did not answer.
            StopRun: DynamoDB refused the request.
        """
        put_part(self._client, self._table, export, part, document)

    def without_part(self, part: Part) -> tuple[str, ...]:
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
        return tuple(
            Summary(
                name,
                {part: json.loads(item[part]["S"]) for part in Part if part in item},
                _stop(more.get((name, "stop"), {})),
                _heard_ms(more.get((name, "heard"), {})),
            )
            for name, item in items.items()
        )

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


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _stop(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return json.loads(item["doc"]["S"]) if "doc" in item else None


def _heard_ms(item: Mapping[str, Any]) -> int | None:
    return int(item["at_ms"]["N"]) if item else None


def _key(export: str, kind: str) -> dict[str, Any]:
    return {"pk": {"S": f"export#{export}"}, "sk": {"S": kind}}


def _json(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace").decode()
