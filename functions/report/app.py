"""The state machine's last task: report what a run did, and keep the report."""

import math
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report.counting import Sources, count
from functions.report.history import reported_run
from functions.report.queue_counts import QueueCounts
from functions.report.reporting import run_report
from functions.report.samples import forget_samples
from functions.report.settings import ReportSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, format_rfc3339
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.export_run import ActivatedRun, ExportRun

logger = Logger()


@cache
def _collaborators() -> tuple[ReportSettings, Any, Secrets, QueueCounts]:
    report_settings = read_settings(ReportSettings, os.environ)
    secrets = Secrets(boto3.client("secretsmanager"), report_settings.secret_prefix, SystemClock())
    queues = QueueCounts(
        boto3.client("sqs"),
        changes_url=report_settings.changes_dead_letter_queue_url,
        imports_url=report_settings.imports_dead_letter_queue_url,
        rejects_url=report_settings.rejects_queue_url,
    )
    return report_settings, boto3.client("dynamodb"), secrets, queues


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Report a run.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation.

    Returns:
        The report, a ``RunReport``.
    """
    report_settings, dynamodb, secrets, queues = _collaborators()
    exports = ExportsTable(dynamodb, report_settings.exports_table)
    run = ExportRun.read(event)
    if run.action == "start":
        run = ActivatedRun.read(event)
    authorization = secrets.authorization(run.authorization, max_age_s=0)
    sources = Sources(
        lytics_at(report_settings.lytics_url, authorization.lytics_api_token),
        sendgrid_at(report_settings.sendgrid_url, authorization.sendgrid_api_key),
        exports,
        WalksTable(dynamodb, report_settings.exports_table),
        HeardTable(dynamodb, report_settings.exports_table),
        queues,
    )
    account = exports.account(run.account)
    counted = count(run, account, sources)
    now_s = math.floor(SystemClock().now())
    finished_at = format_rfc3339(now_s * NANOSECONDS_PER_S)
    report = run_report(run, account, counted, finished_at)
    document = report.document()
    exports.put_report(run.export, run.run, document)
    if not run.dry_run:
        history = RunHistory(dynamodb, report_settings.exports_table)
        history.record_run(run.export, reported_run(run, report), now_s)
    forget_samples(run.run, counted.scans, exports, now_s)
    logger.info(
        "run_reported",
        run=report.run,
        export=report.export,
        live=report.live,
        people=document["people"],
        import_jobs=document["import_jobs"],
        request_id=context.aws_request_id,
    )
    return document
