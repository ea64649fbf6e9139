"""Task of the state machine: say what a run has done, and keep that."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report.counting import count
from functions.report.reporting import report_document
from functions.report.settings import ReportSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.instants import format_rfc3339
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[ReportSettings, ExportsTable, Secrets]:
    report_settings = read_settings(ReportSettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), report_settings.exports_table)
    secrets = Secrets(boto3.client("secretsmanager"), report_settings.secret_prefix)
    return report_settings, exports, secrets


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Write the report of a run.

    Args:
        event: the execution's state.
        context: of the invocation.

    Returns:
        The report, which is also kept in the exports table.
    """
    report_settings, exports, secrets = _collaborators()
    authorization = secrets.authorization(event["authorization"])
    counted = count(
        event,
        lytics_at(report_settings.lytics_url, authorization.lytics_api_token),
        sendgrid_at(report_settings.sendgrid_url, authorization.sendgrid_api_key),
        exports,
    )
    finished_at = format_rfc3339(time.time_ns())
    report = report_document(event, exports.account(event["account"]), counted, finished_at)
    exports.put_report(event["export"], event["run"], report)
    told = {key: report[key] for key in ("run", "export", "live", "people", "import_jobs")}
    logger.info("run_reported", request_id=context.aws_request_id, **told)
    return report
