"""Task of the state machine: create the missing custom fields and segments, and write the configuration."""

import os
from collections.abc import Mapping
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
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.workflow.export_run import ExportRun

logger = Logger()


@cache
def _collaborators() -> tuple[ProvisionSettings, ExportsTable, Secrets]:
    provision_settings = read_settings(ProvisionSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), provision_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), provision_settings.secret_prefix, SystemClock())
    return provision_settings, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carry out a plan. A second call creates nothing twice.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation.

    Returns:
        What was created and adopted: a ``Provisioned``.
    """
    provision_settings, exports, secrets = _collaborators()
    run = ExportRun.read(event)
    authorization = secrets.authorization(run.authorization, max_age_s=0)
    sendgrid = sendgrid_at(provision_settings.sendgrid_url, authorization.sendgrid_api_key)
    provisioned = provision(run, sendgrid, exports, SystemClock()).document()
    logger.info("export_provisioned", run=run.run, request_id=context.aws_request_id, **provisioned)
    return provisioned
