"""Check a run's input against both accounts and say what it would do, changing nothing."""

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.exports_table import ExportsTable
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


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Plan a run: ``{"run": the execution's name, "input": its input}``.

    Raises:
        StopRun: everything that is wrong, in one message.
        RetryLater: one of the sides does not answer now.
    """
    try:
        plan = plan_run(event["run"], event["input"], _table(), _secrets(), _connect)
    except StopRun as refusal:
        logger.warning("plan_refused", run=event["run"], error=type(refusal).__name__)
        raise
    logger.info("planned", run=plan["run"], export=plan["export"], audiences=len(plan["audiences"]))
    return plan
