"""The people that an account has erased, in the exports table: keyed hashes of addresses, and no address.

Items by (pk, sk):

    erased#<account>   state               ``key`` of the hashes, and ``revision``, which every erasure raises
    erased#<account>   hashes#<at>#<id>    one erasure: ``known`` and ``unknown``, 8 bytes a hash, ``at_s``

An erasure's hashes are never changed, and go by their time to live. State and hashes are written in one
transaction: a reader that has seen a revision has its hashes.
"""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.domain.erasure import NO_HOLDS, Hold, Holds, erasure_hash, latest, packed, unpacked
from lytics_sendgrid.errors import ConfigurationChanged
from lytics_sendgrid.tables.partition import items_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

_STATE: Final = "state"
_KEY_BYTES: Final = 32
_ATTEMPTS: Final = 5


class ErasuresTable:
    """The holds of accounts. Reads are consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def holds(self, account: str, now_s: float, cached: Holds = NO_HOLDS) -> Holds:
        """Return an account's holds.

        Args:
            account: the SendGrid account's name.
            now_s: our clock, Unix seconds.
            cached: what an earlier call returned: as long as that is right, one small item is read.
        """
        revision, key = self._state(account)
        if revision == cached.revision and not cached.expires_before(now_s):
            return cached
        found = latest((one, hold) for one, hold in self._all(account) if hold.until_s > now_s)
        return Holds(revision, key, found)

    def hash_key(self, account: str) -> bytes:
        """Return the key of an account's hashes. The first call makes it, if nobody was erased yet."""
        _, key = self._state(account)
        if key:
            return key
        new = {"key": {"B": secrets.token_bytes(_KEY_BYTES)}, "revision": {"N": "0"}}
        with translated("DynamoDB"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=_key(account, _STATE) | new,
                    ConditionExpression="attribute_not_exists(pk) OR revision = :than",
                    ExpressionAttributeValues={":than": {"N": "-1"}},
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
        return self._state(account)[1]

    def put_erasure(
        self, account: str, known: Sequence[str], unknown: Sequence[str], *, at_s: int, until_s: int
    ) -> None:
        """Keep out addresses, as the ledger writes them.

        Args:
            account: the SendGrid account's name.
            known: addresses that the ledger or SendGrid has.
            unknown: addresses that neither has.
            at_s: when they are erased, Unix seconds.
            until_s: when their hashes are forgotten, Unix seconds.

        Raises:
            ConfigurationChanged: other erasures came first, again and again.
        """
        sk = f"hashes#{at_s}#{uuid.uuid4().hex}"
        times = {"at_s": {"N": str(at_s)}, "expires_epoch_s": {"N": str(until_s)}}
        for _ in range(_ATTEMPTS):
            revision, key = self._state(account)
            key = key or secrets.token_bytes(_KEY_BYTES)
            hashes = {
                name: {"B": packed(erasure_hash(key, email) for email in emails)}
                for name, emails in (("known", known), ("unknown", unknown))
                if emails
            }
            state = {**_key(account, _STATE), "key": {"B": key}, "revision": {"N": str(revision + 1)}}
            if self._put_both(state, revision, {**_key(account, sk), **times, **hashes}):
                return
        raise ConfigurationChanged(
            f"other erasures of account '{account}' came first {_ATTEMPTS} times: run it again"
        )

    def _put_both(self, state: dict[str, Any], revision: int, hashes: dict[str, Any]) -> bool:
        """Write both items if the state still has this revision, and return whether it had."""
        condition = {
            "ConditionExpression": "attribute_not_exists(pk) OR revision = :than",
            "ExpressionAttributeValues": {":than": {"N": str(revision)}},
        }
        writes: Any = [
            {"Put": {"TableName": self._table, "Item": state, **condition}},
            {"Put": {"TableName": self._table, "Item": hashes}},
        ]
        with translated("DynamoDB"):
            try:
                self._client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                return False
        return True

    def _state(self, account: str) -> tuple[int, bytes]:
        with translated("DynamoDB"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(account, _STATE), ConsistentRead=True
            )
        item = answer.get("Item")
        return (0, b"") if item is None else (int(item["revision"]["N"]), item["key"]["B"])

    def _all(self, account: str) -> Iterator[tuple[int, Hold]]:
        for item in items_of(self._client, self._table, f"erased#{account}"):
            if item["sk"]["S"] == _STATE:
                continue
            at_s, until_s = int(item["at_s"]["N"]), int(item["expires_epoch_s"]["N"])
            for name in ("known", "unknown"):
                hold = Hold(at_s, until_s, name == "known")
                for erased in unpacked(item.get(name, {"B": b""})["B"]):
                    yield erased, hold


def _key(account: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": f"erased#{account}"}, "sk": {"S": sk}}
