"""Task of the state machine: tell whether all that a run queued is committed and confirmed."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settle.settings import SettleSettings
from functions.settle.settling import Committed, settle
from lytics_sendgrid.domain.checkpoint import numbers_of
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()


@cache
def _exports() -> ExportsTable:
    return ExportsTable(boto3.client("dynamodb"), read_settings(SettleSettings, os.environ).exports_table)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one more look at a run.

    Args:
        event: the execution's state; under ``settle`` what the look before returned, if there was one.
        context: of the invocation.

    Returns:
        ``settled``, how far it is, and how long to wait: see ``settling.settle``.
    """
    exports, run = _exports(), event["run"]
    audiences = event["audiences"] if event["backfill"] else []
    # The scans before the progress: what is expected then can only be more than what is committed.
    scans = [exports.scan(run, audience["id"]) for audience in audiences]
    progress = exports.progress(run)
    stop = exports.stop(event["export"])
    committed = Committed(
        expected=progress.again.union(*map(numbers_of, scans)),
        scanned=all(scan is not None and scan["done"] for scan in scans),
        numbers=progress.numbers,
        jobs=progress.jobs,
        ended=progress.ended.keys(),
    )
    look = settle(event.get("settle"), committed, stop.reason if stop else None, int(time.time()))
    logger.info("run_looked_at", run=run, request_id=context.aws_request_id, **look)
    return look
