"""The exports table: configurations, runs and their progress, scans' checkpoints, reports.

Items by (pk, sk), each with its JSON in ``doc``:

    exports             <export>          what is known of the export at a glance, see tables/summaries.py
    account#<account>   config            the account's configuration; ``version`` guards it
    export#<export>     config            the export's configuration
    export#<export>     stop              why the export is stopped and until when; once the stop is
                                          lifted, ``lifted_ms`` instead of ``doc``
    export#<export>     running           the execution of the export's last run; ``execution`` guards it
    export#<export>     run#<run>         the run's report
    export#<export>     day#<day>         people by outcome, see tables/days.py
    export#<export>     ran#<start>#<run> the run in the export's history, see tables/run_history.py
    run#<run>           scan#<audience>   the checkpoint of the run's scan of one audience
    run#<run>           second#<audience> the checkpoint of its second scan
    run#<run>           walk#<task>       how many messages a walk through the ledger has queued
    run#<run>           done#<id>         what one invocation of deliver committed: message numbers, counts
    run#<run>           job#<job>#<part>  how one import job ended, for one part of its contacts
    run#<run>           started#<id>      import jobs that carry the run's changes, written before these
                                          are committed

A run's items are read in this order, page by page, while others are written. So a reader that sees a number
as done also sees the import jobs that carried it. A reader that sees a job's end may not see yet what was
done because of it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.domain.checkpoint import (
    Checkpoint,
    checkpoint_document,
    checkpoint_from,
)
from lytics_sendgrid.domain.configuration import (
    Account,
    Export,
)
from lytics_sendgrid.domain.configuration_document import (
    account_document,
    account_from,
    export_document,
    export_from,
)
from lytics_sendgrid.domain.execution import RunPlace
from lytics_sendgrid.domain.run_progress import RunProgress, progress_from
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import ConfigurationChanged
from lytics_sendgrid.tables.partition import items_of
from lytics_sendgrid.tables.summaries import LIST, put_part
from lytics_sendgrid.workflow.summary import SummaryPart, configured

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNFINISHED_KEPT_S: Final = 8 * 86_400
"""How long what only a running run needs is kept: longer than an execution may run. It may hold addresses."""
RUN_KEPT_S: Final = 90 * 86_400
"""How long a run's progress is kept. Its report and the configurations are kept forever."""

_SCANS: Final = ("scan", "second")


class ExportsTable:
    """The exports table in DynamoDB. Reads are consistent: a configuration is read right after its write."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def account(self, name: str) -> Account:
        """Return an account's configuration; an empty one of version 0 if there is none yet."""
        document = self._get(f"account#{name}", "config")
        return Account(name) if document is None else account_from(document)

    def put_account(self, account: Account, read_version: int) -> None:
        """Write an account's configuration if its version is still the one that was read.

        Raises:
            ConfigurationChanged: another run wrote it first.
        """
        item = _item(f"account#{account.name}", "config", account_document(account))
        item["version"] = {"N": str(account.version)}
        if not self._put_if(item, "attribute_not_exists(pk) OR version = :than", {"N": str(read_version)}):
            raise ConfigurationChanged(f"another run changed the configuration of account '{account.name}'")

    def export(self, name: str) -> Export | None:
        """Return an export's configuration, or None if there is no such export."""
        document = self._get(f"export#{name}", "config")
        return None if document is None else export_from(document)

    def put_export(self, export: Export) -> None:
        """Write an export's configuration, and what it says at a glance into the list of all exports."""
        put_part(self._client, self._table, export.name, SummaryPart.CONFIGURED, configured(export))
        self._put(f"export#{export.name}", "config", export_document(export))

    def export_names(self) -> tuple[str, ...]:
        """Return the names of all exports, stopped ones included.

        A name may have no configuration, if its first write was interrupted.
        """
        return tuple(name for name, _ in self._query(LIST))

    def stop(self, export: str) -> Stop | None:
        """Return why an export is stopped, or None if it is not."""
        document = self._get(f"export#{export}", "stop")
        return None if document is None else Stop(**document)

    def put_stop(self, export: str, stop: Stop) -> bool:
        """Stop an export.

        Returns:
            False, without a write, if the export was resumed after the attempt that found the fault had
            begun.
        """
        document = {"reason": stop.reason, "since_ms": stop.since_ms, "until_ms": stop.until_ms}
        return self._put_unless_lifted(_item(f"export#{export}", "stop", document), stop.since_ms)

    def lift_stop(self, export: str, at_ms: int) -> None:
        """Resume an export. Attempts that began earlier cannot stop it again.

        Args:
            export: its name.
            at_ms: when the cause was fixed, milliseconds since 1970.
        """
        item = _key(f"export#{export}", "stop") | {"lifted_ms": {"N": str(at_ms)}}
        self._put_unless_lifted(item, at_ms)

    def running(self, export: str) -> RunPlace | None:
        """Return the place of an export's last run, which may have ended; None: there is none.

        The run may go on in another execution, which this one's output names.
        """
        document = self._get(f"export#{export}", "running")
        # An older release wrote no time.
        return None if document is None else RunPlace(document["execution"], document.get("begun_s", 0))

    def put_running(self, export: str, place: RunPlace, expected: str | None) -> bool:
        """Write the place of an export's run, if the execution that was read is still there.

        Args:
            export: its name.
            place: the run's.
            expected: the ARN of the execution in what ``running`` returned; None: it returned None.

        Returns:
            False: another run has written its own meanwhile.
        """
        document = {"execution": place.execution, "begun_s": place.begun_s}
        item = _item(f"export#{export}", "running", document)
        item["execution"] = {"S": place.execution}
        condition = "attribute_not_exists(execution) OR execution = :than"
        return self._put_if(item, condition, {"S": expected or "none"})

    def _put_unless_lifted(self, item: dict[str, Any], since_ms: int) -> bool:
        condition = "attribute_not_exists(lifted_ms) OR lifted_ms <= :than"
        return self._put_if(item, condition, {"N": str(since_ms)})

    def _put_if(self, item: dict[str, Any], condition: str, than: dict[str, str]) -> bool:
        """Write an item if the present one meets a condition, and return whether it did.

        Args:
            item: the item.
            condition: with ``:than``.
            than: the value of ``:than``, as DynamoDB writes it.
        """
        with translated("DynamoDB"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={":than": than},
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

    def scan(self, run: str, audience: str, scan: int = 0) -> Checkpoint | None:
        """Return the checkpoint of a run's scan of one audience, or None if the scan has not begun.

        Args:
            run: the execution's name.
            audience: its id.
            scan: 0 for the run's first scan of the audience, 1 for its second.
        """
        document = self._get(f"run#{run}", f"{_SCANS[scan]}#{audience}")
        return None if document is None else checkpoint_from(document)

    def put_scan(self, run: str, audience: str, checkpoint: Checkpoint, now_s: int, scan: int = 0) -> None:
        """Keep the checkpoint of a run's scan of one audience; for eight days only while it has a sample."""
        document = checkpoint_document(checkpoint)
        kept_s = UNFINISHED_KEPT_S if checkpoint.sample else RUN_KEPT_S
        self._put(f"run#{run}", f"{_SCANS[scan]}#{audience}", document, expires_epoch_s=now_s + kept_s)

    def record_done(
        self,
        run: str,
        numbers: Iterable[str],
        jobs: Iterable[str],
        now_s: int,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Record what one invocation committed, in one write.

        A repeated record is harmless, because progress is the union of all records. Only counts are summed.
        """
        document = {"numbers": sorted(numbers), "jobs": sorted(jobs), "counts": dict(counts or {})}
        kind = "started" if document["jobs"] else "done"
        self._put(f"run#{run}", f"{kind}#{uuid.uuid4().hex}", document, expires_epoch_s=now_s + RUN_KEPT_S)

    def record_job(
        self, run: str, job: str, part_of: tuple[int, int], outcome: Mapping[str, Any], now_s: int
    ) -> None:
        """Record how an import job ended, for one part of its contacts.

        Args:
            run: whose backfill the job carries.
            job: SendGrid's id.
            part_of: which part, counted from 1, of how many.
            outcome: ``status``, SendGrid's counts, and for this part ``confirmed``, ``rejected``,
                ``refreshed``, ``parked``, ``unread``, ``no_room`` and ``again``: the numbers of the messages
                that send its contacts again.
            now_s: our clock, Unix seconds.
        """
        part, parts = part_of
        document = {**outcome, "parts": parts}
        self._put(f"run#{run}", f"job#{job}#{part}", document, expires_epoch_s=now_s + RUN_KEPT_S)

    def progress(self, run: str) -> RunProgress:
        """Return how far a run is."""
        return progress_from(self._query(f"run#{run}"))

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
        for item in items_of(self._client, self._table, pk):
            yield item["sk"]["S"], _document(item)


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _item(pk: str, sk: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {**_key(pk, sk), "doc": {"S": _json(document)}}


def _document(item: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(item["doc"]["S"])
    return document


def _json(document: Mapping[str, Any]) -> str:
    """Return JSON in which a letter takes as few bytes as in UTF-8: an item holds at most 400 KB."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace").decode()
