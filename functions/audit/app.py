"""Task of the state machine: compare SendGrid with the ledger, and send again what differs."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.audit.auditing import audit
from functions.audit.sendgrid import audited_sendgrid_at, file_of
from functions.audit.settings import AuditSettings
from functions.audit.tools import AuditRequest, AuditTools
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.walking import SEGMENTS
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.row import row_form
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.ledger_walk import LedgerWalk
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.export_run import ExportRun

logger = Logger()

MARGIN_S = 60.0
"""Time for the last pages of the ledger, the messages and the checkpoint."""


@cache
def _collaborators() -> tuple[AuditSettings, Any, Secrets, QueueWriter, ThreadPoolExecutor]:
    audit_settings = read_settings(AuditSettings, os.environ)
    dynamodb = boto3.client("dynamodb", config=Config(max_pool_connections=SEGMENTS))
    secrets = Secrets(boto3.client("secretsmanager"), audit_settings.secret_prefix, SystemClock())
    queue = QueueWriter(boto3.client("sqs"), audit_settings.changes_queue_url)
    return audit_settings, dynamodb, secrets, queue, ThreadPoolExecutor(SEGMENTS, thread_name_prefix="walk")


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the audit of a run.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation. Its request id makes the numbers of this invocation's messages unique.

    Returns:
        How far the audit is, an ``AuditProgress``. If it is not ``done``, call again.
    """
    audit_settings, dynamodb, secrets, queue, threads = _collaborators()
    clock = SystemClock()
    run = ExportRun.read(event)
    authorization = secrets.authorization(run.authorization, max_age_s=0)
    deadline = Deadline.of_invocation(clock, context.get_remaining_time_in_millis(), MARGIN_S)
    request = AuditRequest(
        run=run.run,
        export=run.export,
        account=run.account,
        audiences=run.audiences,
        prefix=f"audit.{context.aws_request_id[:8]}",
        dry_run=run.dry_run,
        restore_deleted=run.options.restore_deleted,
        repair_segments=run.options.repair_segments,
        in_flight_ms=audit_settings.refresh_delay_s * 1000,
    )
    exports = ExportsTable(dynamodb, audit_settings.exports_table)
    tools = AuditTools(
        sendgrid=audited_sendgrid_at(audit_settings.sendgrid_url, authorization.sendgrid_api_key, clock),
        configurations=exports,
        walks=WalksTable(dynamodb, audit_settings.exports_table),
        ledger=LedgerWalk(dynamodb, audit_settings.contacts_table),
        queue=queue,
        each=threads.map,
        form=lambda account: row_form(account, audit_settings.no_audience_value),
        download=lambda url: file_of(url, audit_settings.sendgrid_url, clock, deadline.left_s()),
        clock=clock,
        deadline=deadline,
    )
    progress = audit(request, tools).document()
    logger.info("run_audited", run=run.run, export=run.export, request_id=context.aws_request_id, **progress)
    return progress
