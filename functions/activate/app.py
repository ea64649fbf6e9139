"""Task of the state machine: make an export live. It is called again until the webhook job runs."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.activate.activation import Place, activate
from functions.activate.settings import ActivateSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[ActivateSettings, ExportsTable, Secrets]:
    activate_settings = read_settings(ActivateSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), activate_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), activate_settings.secret_prefix)
    return activate_settings, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Activate the export that ``provision`` has written.

    Args:
        event: the execution's state; under ``activation`` what the call before returned, if there was one.
        context: of the invocation.

    Returns:
        ``live``, ``running``, ``job_id``, ``state``, ``webhook_url``, ``paste`` and ``waited``.
    """
    activate_settings, exports, secrets = _collaborators()
    export = exports.export(event["export"])
    if export is None:
        raise StopRun(
            f"the export '{event['export']}' has no configuration: start the state machine from its beginning"
        )
    # Read anew: what a person corrects in the secret must count at the next start, not minutes later.
    authorization = secrets.authorization(event["authorization"], max_age_s=0)
    activation = activate(
        export,
        authorization,
        Place(activate_settings.webhook_base_url, f"{activate_settings.secret_prefix}/{authorization.name}"),
        lytics_at(activate_settings.lytics_url, authorization.lytics_api_token),
        exports,
        subscribe=event["subscribe"],
        now_ms=int(time.time() * 1000),
        waited=(event.get("activation") or {}).get("waited", 0),
    )
    seen: dict[str, Any] = {"live": activation.live, "job_id": activation.job_id, "state": activation.state}
    logger.info("export_activated", export=export.name, request_id=context.aws_request_id, **seen)
    return activation.document()
