"""The console's own table: sessions, sign-ins under way, drafts, catalogues. Everything in it expires.

Items by ``pk``, each with its gzip'd JSON in ``doc``:

    session#<sha256>         somebody who is signed in, by the hash of the cookie
    attempt#<sha256>         a sign-in under way, by the hash of its ``state``
    draft#<id>               a form that is being filled in
    catalogue#<name>         what both vendors of an authorization offer
    run#<run>                who started a run

DynamoDB deletes an expired item within days. A reader takes it for gone at once.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

MAX_DOCUMENT_BYTES: Final = 350_000
"""A document, gzip'd. An item of DynamoDB holds 400 KB, its names included."""


class ConsoleTable:
    """The console's table in DynamoDB. Reads are consistent: a person who has signed out is out."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, pk: str, now_s: float) -> dict[str, Any] | None:
        """Return a document, or None if it does not exist or has expired."""
        with translated("DynamoDB"):
            answer = self._client.get_item(TableName=self._table, Key=_key(pk), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None or int(item["expires_epoch_s"]["N"]) <= now_s else _document(item)

    def put(
        self,
        pk: str,
        document: Mapping[str, Any],
        expires_s: float,
        *,
        only_if_absent: bool = False,
        now_s: float = 0,
    ) -> bool:
        """Write a document.

        Args:
            pk: its key.
            document: JSON values.
            expires_s: when it expires, Unix seconds.
            only_if_absent: write nothing if there is one that has not expired.
            now_s: the time, for ``only_if_absent``.

        Returns:
            Whether it was written.

        Raises:
            RequestRefused: it is larger than ``MAX_DOCUMENT_BYTES``.
        """
        item = _key(pk) | {"doc": {"B": _packed(document)}, "expires_epoch_s": {"N": str(int(expires_s))}}
        condition: dict[str, Any] = {}
        if only_if_absent:
            condition["ConditionExpression"] = "attribute_not_exists(pk) OR expires_epoch_s <= :than"
            condition["ExpressionAttributeValues"] = {":than": {"N": str(int(now_s))}}
        with translated("DynamoDB"):
            try:
                self._client.put_item(TableName=self._table, Item=item, **condition)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def take(self, pk: str, now_s: float) -> dict[str, Any] | None:
        """Delete a document and return it. Of several that take it at once, one gets it.

        Returns:
            None if it does not exist, has expired, or was taken.
        """
        with translated("DynamoDB"):
            try:
                answer = self._client.delete_item(
                    TableName=self._table,
                    Key=_key(pk),
                    ConditionExpression="expires_epoch_s > :than",
                    ExpressionAttributeValues={":than": {"N": str(int(now_s))}},
                    ReturnValues="ALL_OLD",
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return None
        return _document(answer["Attributes"])

    def delete(self, pk: str) -> None:
        """Delete a document, if there is one."""
        with translated("DynamoDB"):
            self._client.delete_item(TableName=self._table, Key=_key(pk))

    def delete_every(self, prefix: str) -> int:
        """Delete every document whose key begins with a prefix, and return how many there were."""
        deleted = 0
        start: dict[str, Any] = {}
        while True:
            with translated("DynamoDB"):
                answer = self._client.scan(TableName=self._table, ConsistentRead=True, **start)
            for key in (item["pk"]["S"] for item in answer["Items"]):
                if key.startswith(prefix):
                    self.delete(key)
                    deleted += 1
            if not answer.get("LastEvaluatedKey"):
                return deleted
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}}


def _packed(document: Mapping[str, Any]) -> bytes:
    packed = gzip.compress(json.dumps(document, separators=(",", ":")).encode(), mtime=0)
    if len(packed) > MAX_DOCUMENT_BYTES:
        raise RequestRefused(
            f"a document of the console has {len(packed):,} bytes, and {MAX_DOCUMENT_BYTES:,} fit"
        )
    return packed


def _document(item: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(gzip.decompress(bytes(item["doc"]["B"])))
    return document
