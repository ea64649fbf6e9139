"""The people that scans have seen: the table gives the same answers on moto's DynamoDB and on the double."""

from array import array

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.tables.exports import UNFINISHED_KEPT_S
from lytics_sendgrid.tables.seen import MAX_HASHES, SeenTable

NOW_S = 1_795_000_000
RUN, AUDIENCE = "run-1", "5cecf2aa79b0a5641920e0607b95c793"


@pytest.fixture
def seen(client: DynamoDBClient) -> SeenTable:
    return SeenTable(client, "exports")


def test_chunks_are_read_as_one_in_order(seen: SeenTable) -> None:
    seen.put(RUN, AUDIENCE, 0, 0, array("Q", [9, 2**64 - 1]), now_s=NOW_S)
    seen.put(RUN, AUDIENCE, 0, 1, array("Q", [3]), now_s=NOW_S)
    seen.put(RUN, AUDIENCE, 1, 0, array("Q", [4]), now_s=NOW_S)
    seen.put("run-2", AUDIENCE, 0, 0, array("Q", [5]), now_s=NOW_S)
    assert seen.read_seen(RUN, AUDIENCE, 0, 2, 3) == array("Q", [3, 9, 2**64 - 1])
    assert seen.read_seen(RUN, AUDIENCE, 1, 1, 1) == array("Q", [4])
    assert seen.read_seen(RUN, "0" * 32, 0, 0, 0) == array("Q")


def test_chunks_of_a_scan_that_was_begun_anew_do_not_count(seen: SeenTable) -> None:
    for chunk in range(3):
        seen.put(RUN, AUDIENCE, 0, chunk, array("Q", [chunk]), now_s=NOW_S)
    seen.put(RUN, AUDIENCE, 0, 0, array("Q", [8, 7]), now_s=NOW_S)
    assert seen.read_seen(RUN, AUDIENCE, 0, 1, 2) == array("Q", [7, 8])
    assert seen.read_seen(RUN, AUDIENCE, 0, 0, 0) == array("Q")


@pytest.mark.parametrize(("chunks", "hashes"), [(2, 3), (1, 3), (1, 1)])
def test_hashes_that_are_missing_stop_the_run(seen: SeenTable, chunks: int, hashes: int) -> None:
    seen.put(RUN, AUDIENCE, 0, 0, array("Q", [1, 2]), now_s=NOW_S)
    with pytest.raises(StopRun, match=rf"saw {hashes} people, but 2 are left .* Nobody was taken out"):
        seen.read_seen(RUN, AUDIENCE, 0, chunks, hashes)


def test_largest_chunks_are_read_across_pages(seen: SeenTable) -> None:
    for chunk in range(5):
        seen.put(RUN, AUDIENCE, 0, chunk, array("Q", range(chunk, MAX_HASHES * 5, 5)), now_s=NOW_S)
    assert seen.read_seen(RUN, AUDIENCE, 0, 5, 5 * MAX_HASHES) == array("Q", range(5 * MAX_HASHES))


def test_hashes_expire(seen: SeenTable, client: DynamoDBClient) -> None:
    seen.put(RUN, AUDIENCE, 0, 0, array("Q", [1]), now_s=NOW_S)
    (item,) = client.scan(TableName="exports")["Items"]
    assert item["expires_epoch_s"]["N"] == str(NOW_S + UNFINISHED_KEPT_S)
