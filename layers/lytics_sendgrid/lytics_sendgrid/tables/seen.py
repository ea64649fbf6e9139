"""The people that a run's scans have seen, in the exports table: hashes of addresses, in chunks.

Items by (pk, sk), each with its hashes in ``hashes``, 8 bytes each:

    seen#<run>#<audience>#<scan>   <chunk>   what a scan saw between two of its checkpoints
"""

from __future__ import annotations

import itertools
from array import array
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.seen import in_order
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.tables.exports import UNFINISHED_KEPT_S
from lytics_sendgrid.tables.partition import items_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

MAX_HASHES: Final = 40_000
"""Hashes in one chunk: 320 KB. An item holds 400 KB."""


class SeenTable:
    """The hashes of the people that scans returned. Reads are consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, run: str, audience: str, scan: int, chunk: int, hashes: array[int], *, now_s: int) -> None:
        """Keep one chunk. It replaces an earlier one of this number.

        Args:
            run: the execution's name.
            audience: the scanned audience's id.
            scan: 0 for the run's first scan of the audience, 1 for its second.
            chunk: its number, counted from 0.
            hashes: at most ``MAX_HASHES``.
            now_s: our clock, Unix seconds.
        """
        item: dict[str, Any] = {
            "pk": {"S": _pk(run, audience, scan)},
            "sk": {"S": f"{chunk:08}"},  # of one length, so that keys are in the order of numbers
            "hashes": {"B": hashes.tobytes()},
            "expires_epoch_s": {"N": str(now_s + UNFINISHED_KEPT_S)},
        }
        with translated("DynamoDB"):
            self._client.put_item(TableName=self._table, Item=item)

    def read_seen(self, run: str, audience: str, scan: int, chunks: int, hashes: int) -> array[int]:
        """Return the hashes of the people that a scan has seen, in ascending order.

        Args:
            run: the execution's name.
            audience: the scanned audience's id.
            scan: 0 for the run's first scan of the audience, 1 for its second.
            chunks: how many chunks the scan's checkpoint counts. Later ones are from before a restart.
            hashes: how many hashes the checkpoint counts.

        Raises:
            StopRun: there are fewer: a missing person would look like one who left.
        """
        read = 0

        def counted() -> Iterator[int]:
            nonlocal read
            for chunk in itertools.islice(self._chunks(_pk(run, audience, scan)), chunks):
                read += len(chunk)
                yield from chunk

        ordered = in_order(counted())
        if read != hashes:
            raise StopRun(
                f"the scan of audience {audience} saw {hashes} people, but {read} are left in the exports "
                "table. Nobody was taken out of any segment. Start the run again"
            )
        return ordered

    def _chunks(self, pk: str) -> Iterator[array[int]]:
        for item in items_of(self._client, self._table, pk):
            yield array("Q", item["hashes"]["B"])


def _pk(run: str, audience: str, scan: int) -> str:
    return f"seen#{run}#{audience}#{scan}"
