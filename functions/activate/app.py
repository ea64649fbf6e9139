"""Task of the state machine: make an export live. It is called until the webhook job is running."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.activate.activation import Deployment, activate
from functions.activate.settings import ActivateSettings
from lytics_sendgrid.aws.secret import Secrets, webhook_secret
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.summaries import SummariesTable
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.summary import SummaryPart

logger = Logger()


@cache
def _collaborators() -> tuple[ActivateSettings, ExportsTable, SummariesTable, Secrets]:
    activate_settings = read_settings(ActivateSettings, os.environ)
    dynamodb = boto3.client("dynamodb")
    exports = ExportsTable(dynamodb, activate_settings.exports_table)
    summaries = SummariesTable(dynamodb, activate_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), activate_settings.secret_prefix, SystemClock())
    return activate_settings, exports, summaries, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make an export live.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation.

    Returns:
        Whether the export is live, an ``Activation``. If it is not ``running``, call again.
    """
    activate_settings, exports, summaries, secrets = _collaborators()
    run = ExportRun.read(event)
    export = exports.export(run.export)
    if export is None:
        raise StopRun(
            f"the export '{run.export}' has no configuration: start the state machine from the beginning"
        )
    # Never from the cache: a corrected secret must count at the next start.
    authorization = secrets.authorization(run.authorization, max_age_s=0)
    live = secrets.webhook_secrets(run.authorization, max_age_s=0).live if run.subscribe else ()
    activation = activate(
        export,
        live,
        Deployment(
            activate_settings.webhook_base_url,
            webhook_secret(activate_settings.secret_prefix, authorization.name),
        ),
        lytics_at(activate_settings.lytics_url, authorization.lytics_api_token),
        exports,
        clock=SystemClock(),
        subscribe=run.subscribe,
        waited=run.activation.waited if run.activation else 0,
    )
    summaries.put_summary(
        export.name,
        SummaryPart.ACTIVATED,
        {"at_s": int(SystemClock().now()), "live": activation.live, "state": activation.state},
    )
    logger.info(
        "export_activated",
        export=export.name,
        live=activation.live,
        job_id=activation.job_id,
        state=activation.state,
        request_id=context.aws_request_id,
    )
    return activation.document()
