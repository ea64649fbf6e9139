"""Task of the state machine: take the ids of removed audiences out of everybody's row."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clear.clearing import ClearRequest, ClearTools, clear
from functions.clear.finish import finish
from functions.clear.settings import ClearSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.ledger_walk import LedgerWalk
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.export_run import ExportRun

logger = Logger()

MARGIN_S = 60.0
"""Time for a page, the last messages and the checkpoint."""


@cache
def _collaborators() -> tuple[ClearSettings, Any, Secrets, QueueWriter]:
    clear_settings = read_settings(ClearSettings, os.environ)
    secrets = Secrets(boto3.client("secretsmanager"), clear_settings.secret_prefix, SystemClock())
    queue = QueueWriter(boto3.client("sqs"), clear_settings.changes_queue_url)
    return clear_settings, boto3.client("dynamodb"), secrets, queue


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the clearing of a run, or finish it.

    Args:
        event: the execution's state, an ``ExportRun``; under ``finish`` if the run has settled.
        context: of the invocation. Its request id makes the numbers of this invocation's messages unique.

    Returns:
        How far the clearing is, a ``ClearProgress``. If it is not ``done``, call again. At the end, what
        became of the segments: ``Finished``.
    """
    clear_settings, dynamodb, secrets, queue = _collaborators()
    clock = SystemClock()
    exports, walks = (
        ExportsTable(dynamodb, clear_settings.exports_table),
        WalksTable(dynamodb, clear_settings.exports_table),
    )
    run = ExportRun.read(event.get("finish", event))
    if "finish" in event:
        authorization = secrets.authorization(run.authorization, max_age_s=0)
        sendgrid = sendgrid_at(clear_settings.sendgrid_url, authorization.sendgrid_api_key)
        answer = finish(run.run, run.account, sendgrid, exports, walks, clock=clock).document()
    else:
        answer = clear(
            ClearRequest(
                run.run,
                run.export,
                run.account,
                f"clear.{context.aws_request_id[:8]}",
                clear_settings.clear_delay_s,
                run.dry_run,
            ),
            ClearTools(
                LedgerWalk(dynamodb, clear_settings.contacts_table),
                exports,
                walks,
                queue,
                clock,
                Deadline.of_invocation(clock, context.get_remaining_time_in_millis(), MARGIN_S),
            ),
        ).document()
    logger.info("run_cleared", run=run.run, request_id=context.aws_request_id, **answer)
    return answer
