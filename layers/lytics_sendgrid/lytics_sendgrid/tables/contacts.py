"""The contacts table: the ledger of what SendGrid has accepted.

An item has its key ``pk``, a ``version`` and its ``state`` as JSON. A rejected contact's item also has
``rejected_account``, the key of the index that ``tables/rejected.py`` reads. So only a rejected contact costs
a write of the index, too.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, ContactKey, account_of, decode, encode
from lytics_sendgrid.domain.each import Each
from lytics_sendgrid.errors import ServiceUnavailable, StopRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_A_READ: Final = 100
STATEMENTS_A_WRITE: Final = 25
_ROUNDS: Final = 6
_LOST: Final = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
_FIRST_BACKOFF_S: Final = 0.05
_MAX_BACKOFF_S: Final = 5.0


class ContactsTable:
    """The contacts table in DynamoDB.

    Reads are eventually consistent, at half the price: after a stale read the commit fails and is repeated.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        clock: Clock,
        connections: int = 8,
        each: Each | None = None,
    ) -> None:
        """Keep the collaborators.

        Args:
            client: boto3's client.
            table: the table's name.
            clock: sleeps between retries.
            connections: how many requests run at once.
            each: runs them; by default a pool of threads.
        """
        self._client = client
        self._table = table
        self._clock = clock
        self._each = each or ThreadPoolExecutor(connections, thread_name_prefix="ledger").map
        self._insert = f"INSERT INTO \"{table}\" VALUE {{'pk':?,'version':?,'state':?}}"
        self._insert_rejected = (
            f"INSERT INTO \"{table}\" VALUE {{'pk':?,'version':?,'state':?,'rejected_account':?}}"
        )
        # "state" is a reserved word of DynamoDB, so every name is quoted.
        update, condition = f'UPDATE "{table}" SET "version"=? SET "state"=?', 'WHERE "pk"=? AND "version"=?'
        self._update = f"{update} {condition}"
        self._update_rejected = f'{update} SET "rejected_account"=? {condition}'
        self._update_accepted = f'{update} REMOVE "rejected_account" {condition}'
        self._delete = f'DELETE FROM "{table}" {condition}'

    def load(self, keys: Iterable[ContactKey], *, consistent: bool = False) -> dict[ContactKey, Contact]:
        """Return the state of each contact; ``UNKNOWN`` if the ledger does not have it.

        Args:
            keys: any number, possibly repeated.
            consistent: read strongly consistent, at twice the price.

        Raises:
            RetryLater: DynamoDB did not return all of them.
        """
        wanted = list(dict.fromkeys(keys))
        contacts = dict.fromkeys(wanted, UNKNOWN)
        read = partial(self._read, consistent=consistent)
        for items in self._each(read, itertools.batched(wanted, KEYS_A_READ)):
            for item in items:
                contacts[item["pk"]["S"]] = decode(item["state"]["S"], int(item["version"]["N"]))
        return contacts

    def commit(self, commits: Sequence[Commit], loaded: Mapping[ContactKey, Contact]) -> set[ContactKey]:
        """Commit states, each by itself; return the keys whose version has changed, so whose commit failed.

        Args:
            commits: at most one for each key.
            loaded: the states they were made from, which say whether an item has a rejection to remove.

        Raises:
            RetryLater: DynamoDB did not write all of them. Which ones is unknown, and writing them again is
                harmless.
        """
        lost: set[ContactKey] = set()
        for keys in self._each(
            lambda request: self._write(request, loaded),
            itertools.batched(commits, STATEMENTS_A_WRITE),
        ):
            lost.update(keys)
        return lost

    def _read(self, keys: Sequence[ContactKey], *, consistent: bool) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        wanted = [{"pk": {"S": key}} for key in keys]
        left: Any = {self._table: {"Keys": wanted, "ConsistentRead": consistent}}
        for number in range(1, _ROUNDS + 1):
            with translated("DynamoDB"):
                answer = self._client.batch_get_item(RequestItems=left)
            items += answer["Responses"].get(self._table, [])
            left = answer.get("UnprocessedKeys")
            if not left:
                return items
            self._clock.sleep(backoff_s(number, _FIRST_BACKOFF_S, _MAX_BACKOFF_S))
        raise ServiceUnavailable("DynamoDB did not read all contacts: it throttles")

    def _write(self, commits: Sequence[Commit], loaded: Mapping[ContactKey, Contact]) -> set[ContactKey]:
        lost: set[ContactKey] = set()
        left = list(commits)
        for number in range(1, _ROUNDS + 1):
            statements: Any = [self._statement(commit, loaded[commit.key]) for commit in left]
            with translated("DynamoDB"):
                answer = self._client.batch_execute_statement(Statements=statements)
            again = []
            for commit, response in zip(left, answer["Responses"], strict=True):
                code = response.get("Error", {}).get("Code")
                if code in _LOST:
                    lost.add(commit.key)
                elif code in {"ValidationError", "ResourceNotFound", "AccessDenied"}:
                    message = response.get("Error", {}).get("Message", "")
                    raise StopRun(f"DynamoDB refused to write a contact: {code} {message}")
                elif code is not None:
                    again.append(commit)
            if not again:
                return lost
            left = again
            self._clock.sleep(backoff_s(number, _FIRST_BACKOFF_S, _MAX_BACKOFF_S))
        raise ServiceUnavailable("DynamoDB did not write all contacts: it throttles")

    def _statement(self, commit: Commit, loaded: Contact) -> dict[str, Any]:
        contact = commit.contact
        version = contact.version
        state = {"S": encode(contact)}
        key = {"S": commit.key}
        parameters: list[dict[str, str]]
        if commit.removes:
            statement, parameters = self._delete, [key, {"N": str(version)}]
        elif version == 0:
            statement, parameters = self._insert, [key, {"N": str(commit.first_version)}, state]
            if contact.rejection is not None:
                statement = self._insert_rejected
                parameters.append({"S": account_of(commit.key)})
        else:
            parameters = [{"N": str(version + 1)}, state]
            if contact.rejection is not None:
                statement = self._update_rejected
                parameters.append({"S": account_of(commit.key)})
            else:
                statement = self._update if loaded.rejection is None else self._update_accepted
            parameters += [key, {"N": str(version)}]
        return {"Statement": statement, "Parameters": parameters}
