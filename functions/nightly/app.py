"""Start the nightly resync of every live export; the schedule calls this once a night."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.nightly.resyncs import night_of, start_resyncs
from functions.nightly.settings import NightlySettings
from lytics_sendgrid.aws.executions import MachineExecutions
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _collaborators() -> tuple[NightlySettings, ExportsTable, MachineExecutions]:
    nightly_settings = read_settings(NightlySettings, os.environ)
    exports = ExportsTable(boto3.client("dynamodb"), nightly_settings.exports_table)
    executions = MachineExecutions(boto3.client("stepfunctions"), nightly_settings.state_machine_arn)
    return nightly_settings, exports, executions


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start the resyncs of a night. Another call for the same night starts only what is missing.

    Args:
        event: EventBridge's event; its ``time`` says which night.
        context: of the invocation.

    Returns:
        The exports whose resync was started, has run before tonight, or is not due.

    Raises:
        StopRun: the resync of an export could not be started. The others were started.
    """
    night = night_of(event, SystemClock().now())
    nightly_settings, exports, executions = _collaborators()
    tonight = start_resyncs(exports, executions, night, nightly_settings.audit_nights)
    for name, why in tonight.failed.items():
        logger.error("resync_not_started", export=name, reason=why, request_id=context.aws_request_id)
    summary: dict[str, Any] = {
        "night": str(night),
        "started": tonight.started,
        "before": tonight.before,
        "stopped": tonight.stopped,
    }
    logger.info("resyncs_started", request_id=context.aws_request_id, **summary)
    if tonight.failed:
        raise StopRun(tonight.fault())
    return summary
