"""Task of the state machine: stop an export."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.deactivate.deactivation import deactivate
from functions.deactivate.settings import DeactivateSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.lytics.webhook_jobs import webhook_url
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.workflow.export_run import ExportRun

logger = Logger()


@cache
def _collaborators() -> tuple[DeactivateSettings, ExportsTable, Secrets]:
    deactivate_settings = read_settings(DeactivateSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), deactivate_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), deactivate_settings.secret_prefix, SystemClock())
    return deactivate_settings, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Stop an export.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation.

    Returns:
        What was done in Lytics, a ``Deactivation``.
    """
    deactivate_settings, exports, secrets = _collaborators()
    run = ExportRun.read(event)
    export = exports.export(run.export)
    if export is None:
        raise StopRun(f"the export '{run.export}' has no configuration, so there is nothing to stop")
    authorization = secrets.authorization(run.authorization, max_age_s=0)
    deactivation = deactivate(
        export,
        webhook_url(deactivate_settings.webhook_base_url, export.name),
        lytics_at(deactivate_settings.lytics_url, authorization.lytics_api_token),
        exports,
        SystemClock(),
        clears=run.options.clear,
        delete_segments=run.options.delete_segments,
    ).document()
    logger.info("export_stopped", export=export.name, request_id=context.aws_request_id, **deactivation)
    return deactivation
