"""Task of the state machine: compare the ledger with a run's scans, and take out people who have left."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.sweep.scope import SweepRequest
from functions.sweep.session import SweepTools
from functions.sweep.settings import SweepSettings
from functions.sweep.sweeping import sweep
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.contact import decode_memberships
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.walking import SEGMENTS
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.ledger_walk import LedgerWalk
from lytics_sendgrid.tables.seen import SeenTable
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.export_run import ExportRun

logger = Logger()

MARGIN_S = 90.0
"""Time for a look-up (three tries of at most 28 s), the last messages and the checkpoint."""


@cache
def _collaborators() -> tuple[SweepSettings, Any, Secrets, QueueWriter, ThreadPoolExecutor]:
    sweep_settings = read_settings(SweepSettings, os.environ)
    dynamodb = boto3.client("dynamodb", config=Config(max_pool_connections=SEGMENTS))
    secrets = Secrets(boto3.client("secretsmanager"), sweep_settings.secret_prefix, SystemClock())
    queue = QueueWriter(boto3.client("sqs"), sweep_settings.changes_queue_url)
    return sweep_settings, dynamodb, secrets, queue, ThreadPoolExecutor(SEGMENTS, thread_name_prefix="walk")


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the sweep of a run.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation. Its request id makes the numbers of this invocation's messages unique.

    Returns:
        How far the sweep is, a ``SweepProgress``. If it is not ``done``, call again.
    """
    sweep_settings, dynamodb, secrets, queue, threads = _collaborators()
    run = ExportRun.read(event)
    authorization = secrets.authorization(run.authorization, max_age_s=0)
    clock = SystemClock()
    request = SweepRequest(
        run=run.run,
        export=run.export,
        account=run.account,
        audiences=run.audiences,
        swept_only=run.swept_only,
        max_leavers_percent=run.options.max_leavers_percent,
        verify_delay_s=sweep_settings.verify_delay_s,
        dry_run=run.dry_run,
        prefix=f"sweep.{context.aws_request_id[:8]}",
    )
    tools = SweepTools(
        ledger=LedgerWalk(dynamodb, sweep_settings.contacts_table, decode_memberships),
        exports=ExportsTable(dynamodb, sweep_settings.exports_table),
        seen=SeenTable(dynamodb, sweep_settings.exports_table),
        walks=WalksTable(dynamodb, sweep_settings.exports_table),
        lytics=lytics_at(sweep_settings.lytics_url, authorization.lytics_api_token),
        queue=queue,
        each=threads.map,
        clock=clock,
        deadline=Deadline.of_invocation(clock, context.get_remaining_time_in_millis(), MARGIN_S),
    )
    progress = sweep(request, tools).document()
    logger.info(
        "run_swept",
        run=run.run,
        export=run.export,
        done=progress["done"],
        doing=progress.get("doing"),
        wait_s=progress.get("wait_s", 0),
        second_scans=len(progress.get("second_scan", ())),
        request_id=context.aws_request_id,
    )
    return progress
