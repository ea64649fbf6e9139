"""Deliver changes to SendGrid, then commit them to the ledger."""

import os
import random
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.deliver.batch import Received
from functions.deliver.delivery import Delivery
from functions.deliver.export_views import ConfigurationCache
from functions.deliver.outbox import Outbox
from functions.deliver.settings import DeliverSettings
from functions.deliver.upsert import Pace
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.aws.timeouts import TIMEOUTS
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.contacts import SendGridContacts, sendgrid_http
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.exports import ExportsTable

MOST_REQUESTS: Final = 1_000
"""So many ids of 36 characters fit a log line of 256 KB well; a full event of 10,000 messages would not."""

logger = Logger()
metrics = Metrics()


@cache
def _delivery() -> Delivery:
    config = read_settings(DeliverSettings, os.environ)
    # Unvalidated, at a tenth of all CPU less: what is called with which parameters does not depend on anybody's data.
    unvalidated = TIMEOUTS.merge(Config(parameter_validation=False))
    sqs, dynamodb = boto3.client("sqs", config=TIMEOUTS), boto3.client("dynamodb", config=unvalidated)
    exports = ExportsTable(dynamodb, config.exports_table)
    secrets = Secrets(boto3.client("secretsmanager", config=TIMEOUTS), config.secret_prefix, SystemClock())
    client = cache(lambda key: SendGridContacts(sendgrid_http(config.sendgrid_url, key), SystemClock()))

    return Delivery(
        ledger=ContactsTable(dynamodb, config.contacts_table, SystemClock()),
        views=ConfigurationCache(exports, config.no_audience_value, time.monotonic),
        runs=exports,
        outbox=Outbox(
            QueueWriter(sqs, config.changes_queue_url),
            QueueWriter(sqs, config.imports_queue_url),
            config.refresh_delay_s,
            config.confirm_delay_s,
        ),
        contacts=lambda authorization: client(secrets.authorization(authorization).sendgrid_api_key),
        pace=Pace(
            time.time,
            time.sleep,
            random.random,
            fault_retry_s=config.stop_retry_s,
            rejected_percent=config.rejected_percent_limit,
        ),
    )


@metrics.log_metrics
def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deliver a batch of messages from the changes queue.

    Args:
        event: SQS records.
        context: tells how much time is left.

    Returns:
        The messages that have to be received again, for ``ReportBatchItemFailures``.
    """
    received = [
        Received(record["messageId"], record["body"], int(record["attributes"]["ApproximateReceiveCount"]))
        for record in event["Records"]
    ]
    deadline_epoch_s = time.time() + context.get_remaining_time_in_millis() / 1000
    summary = _delivery().deliver(received, deadline_epoch_s)
    for export, reason in summary.stopped.items():
        logger.error("export_stopped", export=export, reason=reason)
        metrics.add_metric("ExportStopped", MetricUnit.Count, 1)
    for name, count in summary.counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    if summary.oldest_ms:
        # A message that is put back is a new one to SQS, whose own age of the oldest message begins anew with it.
        waited_s = max(0.0, time.time() - summary.oldest_ms / 1000)
        metrics.add_metric("LongestWait", MetricUnit.Seconds, waited_s)
    logger.info(
        "delivered",
        messages=summary.messages,
        changes=summary.changes,
        contacts=summary.contacts,
        counts=dict(summary.counts),
        failed=len(summary.failed),
        put_back=summary.put_back,
        faults=summary.faults[:10],
        jobs=summary.jobs,
        requests=summary.requests[:MOST_REQUESTS],
        request_id=context.aws_request_id,
    )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in summary.failed]}
