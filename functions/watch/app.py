"""Check once an hour whether live exports still receive events; restart nothing by itself."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.watch.findings import METRICS, Watched
from functions.watch.settings import WatchSettings
from functions.watch.watching import Vendors, WatchTools, watch
from lytics_sendgrid.aws.executions import MachineExecutions
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.tables.summaries import SummariesTable
from lytics_sendgrid.workflow.summary import SummaryPart, configured

logger = Logger()
metrics = Metrics()


@cache
def _settings() -> WatchSettings:
    return read_settings(WatchSettings, os.environ)


@cache
def _tools() -> WatchTools:
    watch_settings = _settings()
    dynamodb = boto3.client("dynamodb")
    secrets = Secrets(boto3.client("secretsmanager"), watch_settings.secret_prefix, SystemClock())

    def vendors(name: str) -> Vendors:
        authorization = secrets.authorization(name, max_age_s=0)
        return Vendors(
            sendgrid_at(watch_settings.sendgrid_url, authorization.sendgrid_api_key),
            lytics_at(watch_settings.lytics_url, authorization.lytics_api_token),
            authorization.secret,
            authorization.lytics_token_expires,
        )

    return WatchTools(
        exports=ExportsTable(dynamodb, watch_settings.exports_table),
        heard=HeardTable(dynamodb, watch_settings.exports_table),
        executions=MachineExecutions(boto3.client("stepfunctions"), watch_settings.state_machine_arn),
        vendors=vendors,
        webhook_base_url=watch_settings.webhook_base_url,
        restarts=watch_settings.restart_webhook_jobs == "true",
    )


@cache
def _summaries() -> SummariesTable:
    return SummariesTable(boto3.client("dynamodb"), _settings().exports_table)


def _keep_summaries(watched: Watched, now_s: float) -> None:
    """Write what was found into the list of exports, and add the parts that an older release did not."""
    summaries = _summaries()
    for name in summaries.without_part(SummaryPart.CONFIGURED):
        export = _tools().exports.export(name)
        if export is not None:
            summaries.put_summary(name, SummaryPart.CONFIGURED, configured(export))
    for name, part in watched.parts(now_s).items():
        summaries.put_summary(name, SummaryPart.WATCHED, part)


def lambda_handler(_event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check every live export once.

    Returns:
        The live exports, what is wrong with which, and which could not be checked.

    Raises:
        StopRun: the configuration of an export cannot be read. The others were checked.
    """
    now_s = SystemClock().now()
    watched = watch(_tools(), now_s)
    request_id = context.aws_request_id
    for finding in watched.findings:
        logger.error(finding.trouble.value, exports=finding.exports, text=finding.text, request_id=request_id)
    for text in watched.unseen:
        logger.warning("not_looked_at", text=text, request_id=request_id)
    counts = {name: watched.count(trouble) for trouble, name in METRICS.items() if watched.count(trouble)}
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    if counts:
        metrics.flush_metrics()
    summary: dict[str, Any] = {
        "exports": watched.exports,
        "findings": [[finding.trouble.value, *finding.exports] for finding in watched.findings],
        "restarted": watched.restarted,
        "unseen": watched.unseen,
    }
    logger.info("exports_watched", request_id=request_id, **summary)
    _keep_summaries(watched, now_s)
    if watched.broken:
        raise StopRun(f"the configurations of some exports cannot be read: {watched.broken}")
    return summary
