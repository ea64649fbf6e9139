"""A run that is over keeps no addresses."""

from functions.report.samples import forget_samples
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.tables.exports import RUN_KEPT_S, UNFINISHED_KEPT_S
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb

NOW_S = 1_795_000_000
SAMPLED = Checkpoint(scanned=2, sample=(("beth@example.com", False),), done=True)


def expiry(dynamodb: DynamoDb, audience: str) -> int:
    item = dynamodb.exports.items["run#run-1", f"scan#{audience}"]
    return int(item["expires_epoch_s"]["N"]) - NOW_S


def test_samples_are_forgotten_and_the_rest_of_a_checkpoint_stays() -> None:
    dynamodb = DynamoDb()
    table = exports_table(dynamodb)
    table.put_scan("run-1", "a", SAMPLED, NOW_S)
    table.put_scan("run-1", "b", Checkpoint(done=True), NOW_S)
    assert (expiry(dynamodb, "a"), expiry(dynamodb, "b")) == (UNFINISHED_KEPT_S, RUN_KEPT_S)
    writes = len(dynamodb.calls.of("PutItem"))
    scans = {audience: table.scan("run-1", audience) for audience in ("a", "b", "c")}
    forget_samples("run-1", scans, table, NOW_S)
    assert len(dynamodb.calls.of("PutItem")) == writes + 1
    assert table.scan("run-1", "a") == Checkpoint(scanned=2, done=True)
    assert expiry(dynamodb, "a") == RUN_KEPT_S
    assert not any("beth@" in str(item) for item in dynamodb.exports.items.values())
