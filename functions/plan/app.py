"""Task of the state machine: check a run's input against both accounts and say what it would do, changing nothing."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lytics_sendgrid.exports_table import ExportsTable
from lytics_sendgrid.instants import format_rfc3339
from lytics_sendgrid.lytics import Lytics, lytics_at
from lytics_sendgrid.plan_run import plan_run
from lytics_sendgrid.secret import Authorization, Secrets
from lytics_sendgrid.sendgrid import SendGrid, sendgrid_at
from lytics_sendgrid.settings import Plan, settings

logger = Logger()


@cache
def _settings() -> Plan:
    return settings(Plan, os.environ)


@cache
def _table() -> ExportsTable:
    return ExportsTable(boto3.client("dynamodb"), _settings().exports_table)


@cache
def _secrets() -> Secrets:
    return Secrets(boto3.client("secretsmanager"), _settings().secret_prefix)


def _connect(authorization: Authorization) -> tuple[SendGrid, Lytics]:
    return (
        sendgrid_at(_settings().sendgrid_url, authorization.sendgrid_api_key),
        lytics_at(_settings().lytics_url, authorization.lytics_api_token),
    )


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
    plan = plan_run(event["run"], event["input"], _table(), _secrets(), _connect, started_at=now)
    logger.info(
        "run_planned",
        run=plan["run"],
        export=plan["export"],
        audiences=len(plan["audiences"]),
        request_id=context.aws_request_id,
    )
    return plan
