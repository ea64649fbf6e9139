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
from functions.provision.settings import ProvisionSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[ProvisionSettings, ExportsTable, Secrets]:
    provision_settings = read_settings(ProvisionSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), provision_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), provision_settings.secret_prefix)
    return provision_settings, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carry out what ``plan`` has answered; doing it twice creates nothing twice.

    Args:
        event: the execution's state.
        context: of the invocation.

    Returns:
        ``version`` of the configuration, and the ``fields`` and numbers of ``segments`` that were created or ``adopted``.
    """
    provision_settings, exports, secrets = _collaborators()
    authorization = secrets.authorization(event["authorization"], max_age_s=0)
    sendgrid = sendgrid_at(provision_settings.sendgrid_url, authorization.sendgrid_api_key)
    provisioned = provision(event, sendgrid, exports, time.sleep)
    logger.info(
        "export_provisioned", run=event["run"], request_id=context.aws_request_id, **asdict(provisioned)
    )
    return asdict(provisioned)
