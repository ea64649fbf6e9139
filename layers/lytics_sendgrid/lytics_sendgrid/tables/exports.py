"""The exports table: configurations, runs and their progress, scans' checkpoints, reports.

Items by (pk, sk), each with its JSON in ``doc``:

    account#<account>   config            the account's configuration; ``version`` guards it
    export#<export>     config            the export's configuration
    export#<export>     stop              why its changes wait, and until when they do; without ``doc``, but with
                                          ``lifted_ms``, where they do not, and since when
    export#<export>     run#<run>         the run's report
    run#<run>           scan#<audience>   the backfill's checkpoint of one audience
    run#<run>           done#<id>         what one invocation of deliver committed: message numbers, counts
    run#<run>           job#<job>#<part>  how one import job ended, for one part of its contacts
    run#<run>           started#<id>      import jobs that carry its changes, written before any of these is committed

A run's items are read in this order, page by page, while others are written. So whoever sees a number as done sees the
jobs that carried it, and whoever sees a job's end does not yet see what was done because of it.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.domain.configuration import (
    Account,
    Export,
    account_document,
    account_from,
    export_document,
    export_from,
)
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import ConfigurationChanged

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RUN_KEPT_S: Final = 90 * 86_400
"""How long a run's progress is kept; its report and the configurations stay."""


_OUR_COUNTS: Final = ("confirmed", "rejected", "refreshed", "parked", "unread")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: what deliver committed, and how its import jobs ended.

    Attributes:
        numbers: of the messages that are committed.
        jobs: import jobs that carried its changes.
        ended: of those, the ones that confirm followed to their end, with what SendGrid said.
        counts: what was counted while committing, summed: ``accepted``, ``unchanged``, ``rejected.<reason>``. A message
            that came twice may be counted twice.
        again: numbers of the messages that carry contacts of an ended job once more.
    """

    numbers: frozenset[str]
    jobs: frozenset[str]
    ended: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, int] = field(default_factory=dict)
    again: frozenset[str] = frozenset()


class ExportsTable:
    """The exports table in DynamoDB. Every read is consistent: a configuration is read just after it was written."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def account(self, name: str) -> Account:
        """Return an account's configuration; an empty one of version 0 where there is none yet."""
        document = self._get(f"account#{name}", "config")
        return Account(name) if document is None else account_from(document)

    def put_account(self, account: Account, read_version: int) -> None:
        """Write an account's configuration, if its version is still the one that was read.

        Raises:
            ConfigurationChanged: it is not.
        """
        item = _item(f"account#{account.name}", "config", account_document(account))
        item["version"] = {"N": str(account.version)}
        if not self._put_if(item, "attribute_not_exists(pk) OR version = :than", read_version):
            raise ConfigurationChanged(f"the configuration of account '{account.name}' was changed meanwhile")

    def export(self, name: str) -> Export | None:
        """Return an export's configuration, or None where there is no such export."""
        document = self._get(f"export#{name}", "config")
        return None if document is None else export_from(document)

    def put_export(self, export: Export) -> None:
        """Write an export's configuration."""
        self._put(f"export#{export.name}", "config", export_document(export))

    def stop(self, export: str) -> Stop | None:
        """Return why an export's changes wait, or None where they do not."""
        document = self._get(f"export#{export}", "stop")
        return None if document is None else Stop(**document)

    def put_stop(self, export: str, stop: Stop) -> bool:
        """Make an export's changes wait.

        Returns:
            False, and nothing is done, where they were let go on after the try that found the fault had begun.
        """
        document = {"reason": stop.reason, "since_ms": stop.since_ms, "until_ms": stop.until_ms}
        return self._put_unless_lifted(_item(f"export#{export}", "stop", document), stop.since_ms)

    def lift_stop(self, export: str, at_ms: int) -> None:
        """Let an export's changes go on, whatever tries have found that began before.

        Args:
            export: its name.
            at_ms: when the cause was mended, milliseconds since 1970.
        """
        item = _key(f"export#{export}", "stop") | {"lifted_ms": {"N": str(at_ms)}}
        self._put_unless_lifted(item, at_ms)

    def _put_unless_lifted(self, item: dict[str, Any], since_ms: int) -> bool:
        return self._put_if(item, "attribute_not_exists(lifted_ms) OR lifted_ms <= :than", since_ms)

    def _put_if(self, item: dict[str, Any], condition: str, than: int) -> bool:
        """Write an item, and tell whether the condition on the one before let it; ``:than`` in it is a number."""
        with translated("DynamoDB"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={":than": {"N": str(than)}},
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def put_report(self, export: str, run: str, report: Mapping[str, Any]) -> None:
        """Keep a run's report."""
        self._put(f"export#{export}", f"run#{run}", report)

    def report(self, export: str, run: str) -> dict[str, Any] | None:
        """Return a run's report, or None."""
        return self._get(f"export#{export}", f"run#{run}")

    def scan(self, run: str, audience: str) -> dict[str, Any] | None:
        """Return the checkpoint of a run's scan of one audience, or None where it has not begun."""
        return self._get(f"run#{run}", f"scan#{audience}")

    def put_scan(self, run: str, audience: str, checkpoint: Mapping[str, Any], now_s: int) -> None:
        """Keep the checkpoint of a run's scan of one audience."""
        self._put(f"run#{run}", f"scan#{audience}", checkpoint, expires_epoch_s=now_s + RUN_KEPT_S)

    def record_done(
        self,
        run: str,
        numbers: Iterable[str],
        jobs: Iterable[str],
        now_s: int,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Record what one invocation committed: one write, whatever the number of messages.

        Recording the same twice is harmless: progress is the union of what was recorded. Only counts add up.
        """
        document = {"numbers": sorted(numbers), "jobs": sorted(jobs), "counts": dict(counts or {})}
        kind = "started" if document["jobs"] else "done"
        self._put(f"run#{run}", f"{kind}#{uuid.uuid4().hex}", document, expires_epoch_s=now_s + RUN_KEPT_S)

    def record_job(
        self, run: str, job: str, part_of: tuple[int, int], outcome: Mapping[str, Any], now_s: int
    ) -> None:
        """Record how an import job ended, for one part of its contacts.

        Args:
            run: whose backfill it carries.
            job: SendGrid's id.
            part_of: which part, counted from 1, of how many.
            outcome: ``status``, SendGrid's counts, and for this part ``confirmed``, ``rejected``, ``refreshed``, ``parked``,
                ``unread``, ``no_room`` and ``again``: the numbers of the messages that carry its contacts once more.
            now_s: our clock, Unix seconds.
        """
        part, parts = part_of
        document = {**outcome, "parts": parts}
        self._put(f"run#{run}", f"job#{job}#{part}", document, expires_epoch_s=now_s + RUN_KEPT_S)

    def progress(self, run: str) -> Progress:
        """Return how far a run has come."""
        numbers: set[str] = set()
        jobs: set[str] = set()
        followed: dict[str, list[dict[str, Any]]] = {}
        counts: Counter[str] = Counter()
        for sk, document in self._query(f"run#{run}"):
            kind, _, name = sk.partition("#")
            if kind in {"done", "started"}:
                numbers.update(document["numbers"])
                jobs.update(document["jobs"])
                counts.update(document.get("counts", {}))
            elif kind == "job":
                followed.setdefault(name.rpartition("#")[0], []).append(document)
        ended = {job: _whole(found) for job, found in followed.items() if len(found) == found[0]["parts"]}
        again = frozenset(number for outcome in ended.values() for number in outcome["again"])
        return Progress(frozenset(numbers), frozenset(jobs), ended, counts, again)

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        with translated("DynamoDB"):
            answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None or "doc" not in item else _document(item)

    def _put(self, pk: str, sk: str, document: Mapping[str, Any], expires_epoch_s: int | None = None) -> None:
        item = _item(pk, sk, document)
        if expires_epoch_s is not None:
            item["expires_epoch_s"] = {"N": str(expires_epoch_s)}
        with translated("DynamoDB"):
            self._client.put_item(TableName=self._table, Item=item)

    def _query(self, pk: str) -> Iterator[tuple[str, dict[str, Any]]]:
        start: dict[str, Any] = {}
        while True:
            with translated("DynamoDB"):
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": pk}},
                    ConsistentRead=True,
                    **start,
                )
            for item in answer["Items"]:
                yield item["sk"]["S"], _document(item)
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _whole(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the parts of an ended job together: SendGrid's counts are the job's, ours are each part's.

    No part can tell whether rows that are nobody's of its own are another's: only all of them together can.
    """
    whole = parts[0] | {name: sum(part.get(name, 0) for part in parts) for name in _OUR_COUNTS}
    read = whole["rejected"] + sum(part.get("no_room", 0) for part in parts)
    if whole["status"] == "errored" and read < whole.get("errored", 0):
        whole["unread"] = max(whole["unread"], 1)
    return whole | {"again": [number for part in parts for number in part.get("again", ())]}


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _item(pk: str, sk: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {**_key(pk, sk), "doc": {"S": json.dumps(document, separators=(",", ":"))}}


def _document(item: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(item["doc"]["S"])
    return document
