"""Deliver changes to SendGrid, then commit them to the ledger."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.deliver.days import Days
from functions.deliver.deliverer import Deliverer
from functions.deliver.export_views import ExportViews
from functions.deliver.heard import Heard
from functions.deliver.outbox import Outbox
from functions.deliver.received import SqsRecord
from functions.deliver.requeue import Requeuer
from functions.deliver.rounds import Rounds
from functions.deliver.settings import DeliverSettings
from functions.deliver.upsert import UpsertLimits
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.aws.timeouts import TIMEOUTS
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.contacts import sendgrid_contacts
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.days import DaysTable
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.heard import HeardTable

MAX_REQUESTS: Final = 1_000
"""1,000 ids of 36 characters fit in a 256 KB log line; the 10,000 of a full event do not."""

logger = Logger()
metrics = Metrics()
clock = SystemClock()


@cache
def _collaborators() -> tuple[Deliverer, Heard, Days]:
    config = read_settings(DeliverSettings, os.environ)
    # Validation takes a tenth of all CPU, and whether parameters are valid does not depend on the data.
    unvalidated = TIMEOUTS.merge(Config(parameter_validation=False))
    sqs, dynamodb = boto3.client("sqs", config=TIMEOUTS), boto3.client("dynamodb", config=unvalidated)
    exports = ExportsTable(dynamodb, config.exports_table)
    secrets = Secrets(boto3.client("secretsmanager", config=TIMEOUTS), config.secret_prefix, SystemClock())
    changes, imports = QueueWriter(sqs, config.changes_queue_url), QueueWriter(sqs, config.imports_queue_url)
    outbox = Outbox(changes, imports, config.refresh_delay_s, config.confirm_delay_s)
    erasures = ErasuresTable(dynamodb, config.exports_table)
    views = ExportViews(
        exports, erasures, config.no_audience_value, clock, max_age_s=config.configuration_cache_s
    )
    rounds = Rounds(
        ledger=ContactsTable(dynamodb, config.contacts_table, clock),
        views=views,
        runs=exports,
        outbox=outbox,
        contacts=cache(lambda authorization: sendgrid_contacts(config.sendgrid_url, secrets, authorization)),
        limits=UpsertLimits(config.stop_retry_s, config.rejected_percent_limit),
    )
    deliverer = Deliverer(rounds=rounds, views=views, runs=exports, requeuer=Requeuer(outbox), clock=clock)
    heard = Heard(HeardTable(dynamodb, config.exports_table))
    return deliverer, heard, Days(DaysTable(dynamodb, config.exports_table), clock)


@metrics.log_metrics
def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deliver messages from the changes queue.

    Args:
        event: SQS records.
        context: knows how much time is left.

    Returns:
        The messages that SQS must deliver again, for ``ReportBatchItemFailures``.
    """
    records = [
        SqsRecord(record["messageId"], record["body"], int(record["attributes"]["ApproximateReceiveCount"]))
        for record in event["Records"]
    ]
    deadline_epoch_s = clock.now() + context.get_remaining_time_in_millis() / 1000
    deliverer, heard, days = _collaborators()
    summary = deliverer.deliver(records, deadline_epoch_s)
    summary.faults += heard.note(summary.heard) + days.note(summary.by_export)
    for export, reason in summary.stopped.items():
        logger.error("export_stopped", export=export, reason=reason)
        metrics.add_metric("ExportStopped", MetricUnit.Count, 1)
    for name, count in summary.counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    if summary.oldest_ms:
        # A requeued message is a new one to SQS, whose own metric of the oldest message starts at zero.
        waited_s = max(0.0, clock.now() - summary.oldest_ms / 1000)
        metrics.add_metric("LongestWait", MetricUnit.Seconds, waited_s)
    logger.info(
        "delivered",
        messages=summary.messages,
        changes=summary.changes,
        contacts=summary.contacts,
        counts=dict(summary.counts),
        failed=len(summary.failed),
        requeued=summary.requeued,
        faults=summary.faults[:10],
        jobs=summary.jobs,
        requests=summary.requests[:MAX_REQUESTS],
        request_id=context.aws_request_id,
    )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in summary.failed]}
