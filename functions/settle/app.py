"""Task of the state machine: check whether everything that a run queued is committed and confirmed."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settle.settings import SettleSettings
from functions.settle.settling import Committed, settle
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.workflow.export_run import ExportRun

logger = Logger()


@cache
def _exports() -> ExportsTable:
    return ExportsTable(boto3.client("dynamodb"), read_settings(SettleSettings, os.environ).exports_table)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check a run once.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation.

    Returns:
        How far the run is and when to check again: a ``SettleProgress``.
    """
    exports, run = _exports(), ExportRun.read(event)
    audiences = run.audiences if run.backfill else ()
    progress = exports.progress(run.run)
    stop = exports.stop(run.export)
    committed = Committed(
        expected=progress.expected | progress.again,
        scanned=all(
            audience.id in progress.scans and progress.scans[audience.id].ended for audience in audiences
        ),
        numbers=progress.numbers,
        jobs=progress.jobs,
        ended=progress.ended.keys(),
    )
    checked = settle(run.settle, committed, stop.reason if stop else "", SystemClock()).document()
    logger.info("run_looked_at", run=run.run, request_id=context.aws_request_id, **checked)
    return checked
