"""Task of the state machine: scan one audience as far as one invocation can, and queue everybody in it."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.backfill.outbox import Stores
from functions.backfill.scan import scan_audience
from functions.backfill.settings import BackfillSettings
from functions.backfill.state import ScanProgress, ScanRequest
from functions.backfill.threads import Threads
from functions.backfill.work import work_of
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.seen import SeenTable

logger = Logger()

MARGIN_S = 60.0
"""Time for a page that has been requested (at most 28 s), the last messages and the checkpoint."""


@cache
def _collaborators() -> tuple[BackfillSettings, Stores, ExportsTable, Secrets]:
    backfill_settings = read_settings(BackfillSettings, os.environ)
    dynamodb = boto3.client("dynamodb")
    exports = ExportsTable(dynamodb, backfill_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), backfill_settings.secret_prefix, SystemClock())
    stores = Stores(
        QueueWriter(boto3.client("sqs"), backfill_settings.changes_queue_url),
        exports,
        SeenTable(dynamodb, backfill_settings.exports_table),
    )
    return backfill_settings, stores, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the scan of an audience.

    Args:
        event: a ``ScanRequest``.
        context: of the invocation. Its request id makes the numbers of this invocation's messages unique.

    Returns:
        How far the scan is, a ``ScanProgress``. If it is not ``done``, call again.
    """
    backfill_settings, stores, exports, secrets = _collaborators()
    request = ScanRequest.read(event)
    prefix = f"{request.number}.{context.aws_request_id[:8]}"
    work = work_of(request, exports, prefix)
    authorization = secrets.authorization(request.authorization, max_age_s=0)
    checkpoint = scan_audience(
        work,
        lytics_at(backfill_settings.lytics_url, authorization.lytics_api_token),
        stores,
        Deadline.of_invocation(SystemClock(), context.get_remaining_time_in_millis(), MARGIN_S),
        Threads,
    )
    progress = ScanProgress.of(work.audience, work.name, checkpoint).document()
    logger.info(
        "audience_scanned",
        export=request.export,
        run=request.run,
        **progress,
        request_id=context.aws_request_id,
    )
    return progress
