"""Follow SendGrid's import jobs to their end."""

import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.confirm.consequences import ConfirmDelays
from functions.confirm.follow import ImportJobFollower
from functions.confirm.follow_ups import FollowUps
from functions.confirm.settings import ConfirmSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.aws.timeouts import TIMEOUTS
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.contacts import sendgrid_contacts
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable

MIN_REMAINING_MS: Final = 90_000
"""Time that one job may take: 25 s to poll it, 55 s to download its errors file, and its follow-ups. Later
jobs are put off, because SQS would deliver all ten messages of an invocation again that runs out of time."""

logger = Logger()
metrics = Metrics()


@cache
def _follower() -> ImportJobFollower:
    config = read_settings(ConfirmSettings, os.environ)
    clock = SystemClock()
    secrets = Secrets(boto3.client("secretsmanager", config=TIMEOUTS), config.secret_prefix, clock)
    client = cache(lambda authorization: sendgrid_contacts(config.sendgrid_url, secrets, authorization))
    sqs = boto3.client("sqs", config=TIMEOUTS)
    return ImportJobFollower(
        jobs=client,
        runs=ExportsTable(boto3.client("dynamodb", config=TIMEOUTS), config.exports_table),
        imports=QueueWriter(sqs, config.imports_queue_url),
        follow_ups=FollowUps(
            changes=QueueWriter(sqs, config.changes_queue_url),
            parked=QueueWriter(sqs, config.imports_dead_letter_queue_url),
            clock=clock,
        ),
        delays=ConfirmDelays(confirm_s=config.confirm_delay_s, refresh_s=config.refresh_delay_s),
        clock=clock,
    )


@metrics.log_metrics
def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Follow the import jobs of messages from the imports queue.

    Args:
        event: SQS records.
        context: of the invocation.

    Returns:
        The messages that SQS must deliver again, for ``ReportBatchItemFailures``.
    """
    counts: Counter[str] = Counter()
    statuses = {}
    failed = []
    for record in event["Records"]:
        try:
            message = import_from(record["body"])
            if context.get_remaining_time_in_millis() > MIN_REMAINING_MS:
                outcome = _follower().follow(message)
            else:
                outcome = _follower().put_off(message, "no time was left in this invocation")
        except (RetryLater, StopRun, ValueError) as error:
            failed.append(record["messageId"])
            logger.error("job_not_confirmed", reason=str(error), message_id=record["messageId"])
            continue
        if outcome.fault:
            logger.warning("job_put_off", reason=outcome.fault, message_id=record["messageId"])
        if outcome.undocumented:
            logger.warning("undocumented_status", job=message.job, status=outcome.undocumented)
        statuses[message.job] = outcome.status
        counts[f"jobs.{outcome.status}"] += 1
        counts.update({f"job_contacts.{name}": count for name, count in outcome.counts.items()})
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    logger.info(
        "confirmed", jobs=statuses, counts=dict(counts), failed=len(failed), request_id=context.aws_request_id
    )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
