"""All items of one partition of the exports table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lytics_sendgrid.aws.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


def items_of(client: DynamoDBClient, table: str, pk: str) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a partition in the order of their sort keys, read consistently page by page."""
    start: dict[str, Any] = {}
    while True:
        with translated("DynamoDB"):
            answer = client.query(
                TableName=table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ConsistentRead=True,
                **start,
            )
        yield from answer["Items"]
        if not answer.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
