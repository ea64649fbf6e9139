"""The state machine's first task: check a run's input against both accounts, and plan the run."""

import math
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.plan.input import PlanRequest
from functions.plan.run import Planner
from functions.plan.settings import PlanSettings
from functions.plan.state import Beginning
from lytics_sendgrid.aws.executions import ExecutionReader
from lytics_sendgrid.aws.secret import Authorization, Secrets
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, format_rfc3339
from lytics_sendgrid.lytics.api import Lytics, lytics_at
from lytics_sendgrid.sendgrid.api import SendGrid, sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.workflow.run_record import RunRecord

logger = Logger()


@cache
def _collaborators() -> tuple[PlanSettings, ExportsTable, RunHistory, Secrets]:
    plan_settings = read_settings(PlanSettings, os.environ)
    dynamodb = boto3.client("dynamodb")
    exports = ExportsTable(dynamodb, plan_settings.exports_table)
    history = RunHistory(dynamodb, plan_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), plan_settings.secret_prefix, SystemClock())
    return plan_settings, exports, history, secrets


def _connect(authorization: Authorization) -> tuple[SendGrid, Lytics]:
    sendgrid = sendgrid_at(_collaborators()[0].sendgrid_url, authorization.sendgrid_api_key)
    return sendgrid, lytics_at(_collaborators()[0].lytics_url, authorization.lytics_api_token)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan a run.

    Args:
        event: a ``PlanRequest``.
        context: of the invocation.

    Returns:
        The execution's state, an ``ExportRun``.

    Raises:
        StopRun: the message lists every fault.
    """
    plan_settings, exports, history, secrets = _collaborators()
    request = PlanRequest.read(event)
    started_at = format_rfc3339(math.floor(SystemClock().now()) * NANOSECONDS_PER_S)
    executions = ExecutionReader(boto3.client("stepfunctions"))
    planner = Planner(exports, secrets, _connect, plan_settings.webhook_base_url, executions)
    planned = planner.plan(Beginning(request.run, request.execution, started_at), request.input)
    if not planned.dry_run and not planned.skipped:
        history.record_run(planned.export, RunRecord.of(planned), math.floor(SystemClock().now()))
    logger.info(
        "resync_skipped" if planned.skipped else "run_planned",
        run=planned.run,
        export=planned.export,
        action=planned.action,
        audiences=len(planned.audiences),
        people=planned.plan.people,
        request_id=context.aws_request_id,
    )
    return planned.document()
