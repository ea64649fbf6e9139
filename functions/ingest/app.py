"""ingest: answers a webhook delivery of Lytics once what it holds is on a queue."""

import functools
import os
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from functions.ingest.aws_json import aws_client
from functions.ingest.export_cache import KeptExports
from functions.ingest.gateway import delivery_from, proxy_answer
from functions.ingest.intake import Intake
from functions.ingest.log_line import log_line
from functions.ingest.settings import IngestSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@functools.cache
def intake() -> Intake:
    """Build what takes deliveries in, on the first call; it is kept while the function is warm."""
    mine = read_settings(IngestSettings, os.environ)
    sqs = aws_client("sqs", os.environ)
    # The table's adapter takes the whole client that others give it; GetItem is all that is called here.
    dynamodb = cast("DynamoDBClient", aws_client("dynamodb", os.environ))
    return Intake(
        KeptExports(ExportsTable(dynamodb, mine.exports_table)),
        Secrets(aws_client("secretsmanager", os.environ), mine.secret_prefix),
        QueueWriter(sqs, mine.changes_queue_url),
        QueueWriter(sqs, mine.rejects_queue_url),
        time.time_ns,
    )


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take in one POST that API Gateway hands over.

    Lytics delivers at least once and in no order, and so does this: what was answered with 200 is on a queue, once or
    more often.
    """
    delivery = delivery_from(event)
    answer = intake().take(delivery)
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "ingest")
    sys.stdout.write(log_line(delivery, answer, service, time.time_ns() // 1_000_000) + "\n")
    return proxy_answer(answer)
