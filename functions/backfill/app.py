"""Task of the state machine: scan one audience as far as one invocation can, and queue everybody in it."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.backfill.scan import MARGIN_S, Timing, Work, scan_audience
from functions.backfill.settings import BackfillSettings
from functions.backfill.state import ScanProgress, ScanRequest
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[BackfillSettings, ExportsTable, Secrets, QueueWriter]:
    backfill_settings = read_settings(BackfillSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), backfill_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), backfill_settings.secret_prefix, SystemClock())
    return (
        backfill_settings,
        exports,
        secrets,
        QueueWriter(boto3.client("sqs"), backfill_settings.changes_queue_url),
    )


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the scan of an audience.

    Args:
        event: a ``ScanRequest``.
        context: of the invocation. Its request id makes the numbers of this invocation's messages unique.

    Returns:
        How far the scan is, a ``ScanProgress``. If it is not ``done``, call again.
    """
    backfill_settings, exports, secrets, queue = _collaborators()
    request = ScanRequest.read(event)
    export, audience = exports.export(request.export), request.audience.id
    if export is None or audience not in export.audience_ids:
        raise StopRun(
            f"the export '{request.export}' has no such audience in its configuration: start the state "
            "machine from the beginning"
        )
    authorization = secrets.authorization(request.authorization, max_age_s=0)
    seconds = context.get_remaining_time_in_millis() / 1000
    checkpoint = scan_audience(
        Work(export, audience, request.run, f"{request.number}.{context.aws_request_id[:8]}"),
        lytics_at(backfill_settings.lytics_url, authorization.lytics_api_token),
        queue,
        exports,
        Timing(
            SystemClock(),
            lambda: context.get_remaining_time_in_millis() / 1000,
            margin_s=min(MARGIN_S, seconds / 3),
        ),
    )
    progress = ScanProgress.of(audience, checkpoint).document()
    logger.info(
        "audience_scanned",
        export=export.name,
        run=request.run,
        **progress,
        request_id=context.aws_request_id,
    )
    return progress
