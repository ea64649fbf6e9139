"""Answer a webhook delivery from Lytics once its changes are on a queue."""

import functools
import os
import sys
from typing import Any, Final

import boto3
from botocore.config import Config

from functions.ingest.export_cache import ExportCache
from functions.ingest.gateway import proxy_response, webhook_request_from
from functions.ingest.intake import WebhookIntake
from functions.ingest.log_line import log_line
from functions.ingest.settings import IngestSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable

AWS: Final = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    parameter_validation=False,
)
"""A call that fails takes at most 7 s: two attempts of 3 s and 1 s between them. So the 503 leaves before
this function's own timeout. No parameter depends on what Lytics sends, and validation takes CPU for every
event."""


@functools.cache
def intake() -> WebhookIntake:
    """Build the intake on the first call. It is kept while the function is warm."""
    config = read_settings(IngestSettings, os.environ)
    clock = SystemClock()
    sqs = boto3.client("sqs", config=AWS)
    return WebhookIntake(
        ExportCache(ExportsTable(boto3.client("dynamodb", config=AWS), config.exports_table), clock),
        Secrets(boto3.client("secretsmanager", config=AWS), config.secret_prefix, clock),
        QueueWriter(sqs, config.changes_queue_url),
        QueueWriter(sqs, config.rejects_queue_url),
        clock,
    )


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle one POST from API Gateway.

    Lytics delivers at least once and in no order. So does this function: whatever it answers with 200 is on a
    queue, once or more often.
    """
    request = webhook_request_from(event)
    response = intake().take(request)
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "ingest")
    sys.stdout.write(log_line(request, response, service, int(SystemClock().now() * 1000)) + "\n")
    return proxy_response(response)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Lambda gives its init phase more CPU than the first invocation, and making the clients takes CPU.
    intake()
