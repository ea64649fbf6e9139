"""Follow SendGrid's import jobs to their end."""

import os
import time
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.confirm.follow import Delays, Following
from functions.confirm.settings import ConfirmSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.aws.timeouts import TIMEOUTS
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.contacts import SendGridContacts, sendgrid_http
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

MIN_REMAINING_MS: Final = 90_000
"""A job that hardly answers (25 s), and then its errors file (45 s and one wait of 10), and its contacts' refreshes take so
long. Whatever is behind it is put off: none must run out of time, for that would have all ten received again."""

logger = Logger()
metrics = Metrics()


@cache
def _following() -> Following:
    config = read_settings(ConfirmSettings, os.environ)
    secrets = Secrets(boto3.client("secretsmanager", config=TIMEOUTS), config.secret_prefix)
    client = cache(lambda key: SendGridContacts(sendgrid_http(config.sendgrid_url, key)))
    sqs = boto3.client("sqs", config=TIMEOUTS)
    return Following(
        jobs=lambda authorization: client(secrets.authorization(authorization).sendgrid_api_key),
        runs=ExportsTable(boto3.client("dynamodb", config=TIMEOUTS), config.exports_table),
        imports=QueueWriter(sqs, config.imports_queue_url),
        parked=QueueWriter(sqs, config.imports_dead_letter_queue_url),
        changes=QueueWriter(sqs, config.changes_queue_url),
        delays=Delays(confirm_s=config.confirm_delay_s, refresh_s=config.refresh_delay_s),
        clock=time.time,
    )


@metrics.log_metrics
def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Ask SendGrid for the import jobs of a batch of messages from the imports queue.

    Args:
        event: SQS records.
        context: of the invocation.

    Returns:
        The messages that have to be received again, for ``ReportBatchItemFailures``.
    """
    statuses: Counter[str] = Counter()
    ended = {}
    failed = []
    for record in event["Records"]:
        try:
            job = import_from(record["body"])
            if context.get_remaining_time_in_millis() > MIN_REMAINING_MS:
                followed = _following().follow(job)
            else:
                followed = _following().put_off(job, "no time was left in this invocation")
            if followed.fault:
                logger.warning("job_put_off", reason=followed.fault, message_id=record["messageId"])
            statuses[f"jobs.{followed.status}"] += 1
            ended[job.job] = followed.status
            statuses.update({f"job_contacts.{name}": count for name, count in followed.counts.items()})
        except (RetryLater, StopRun, ValueError) as error:
            failed.append(record["messageId"])
            logger.error("job_not_confirmed", reason=str(error), message_id=record["messageId"])
    for status, count in statuses.items():
        metrics.add_metric(status, MetricUnit.Count, count)
    logger.info(
        "confirmed", jobs=ended, counts=dict(statuses), failed=len(failed), request_id=context.aws_request_id
    )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
