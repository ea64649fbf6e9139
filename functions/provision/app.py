"""Task of the state machine: create the custom fields and segments that are missing and write the configuration."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.provision.provisioning import provision
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import Plan, settings
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[Plan, ExportsTable, Secrets]:
    plan_settings = settings(Plan, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), plan_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), plan_settings.secret_prefix)
    return plan_settings, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carry out what ``plan`` has answered; doing it twice creates nothing twice.

    Args:
        event: the execution's state.
        context: of the invocation.

    Returns:
        ``version`` of the configuration, and the ``fields`` and numbers of ``segments`` that were created or ``adopted``.
    """
    plan_settings, exports, secrets = _collaborators()
    authorization = secrets.authorization(event["authorization"], max_age_s=0)
    sendgrid = sendgrid_at(plan_settings.sendgrid_url, authorization.sendgrid_api_key)
    provisioned = provision(event, sendgrid, exports, time.sleep)
    logger.info(
        "export_provisioned", run=event["run"], request_id=context.aws_request_id, **asdict(provisioned)
    )
    return asdict(provisioned)
