"""Task of the state machine: check a run's input against both accounts and say what it would do, changing nothing."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.plan.run import plan_run
from functions.plan.settings import PlanSettings
from lytics_sendgrid.aws.secret import Authorization, Secrets
from lytics_sendgrid.domain.instants import format_rfc3339
from lytics_sendgrid.lytics.api import Lytics, lytics_at
from lytics_sendgrid.sendgrid.api import SendGrid, sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[PlanSettings, ExportsTable, Secrets]:
    plan_settings = read_settings(PlanSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), plan_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), plan_settings.secret_prefix)
    return plan_settings, exports, secrets


def _connect(authorization: Authorization) -> tuple[SendGrid, Lytics]:
    sendgrid = sendgrid_at(_collaborators()[0].sendgrid_url, authorization.sendgrid_api_key)
    return sendgrid, lytics_at(_collaborators()[0].lytics_url, authorization.lytics_api_token)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan a run.

    Args:
        event: ``run``, the execution's name, and ``input``, its input.
        context: of the invocation.

    Returns:
        The execution's state, as ``plan_document`` writes it.

    Raises:
        StopRun: everything that is wrong, in one message.
    """
    now = format_rfc3339(time.time_ns())
    _, exports, secrets = _collaborators()
    plan = plan_run(event["run"], event["input"], exports, secrets, _connect, started_at=now)
    counts = {"audiences": len(plan["audiences"]), "people": plan["plan"]["people"]}
    logger.info("run_planned", run=plan["run"], **counts, request_id=context.aws_request_id)
    return plan
