"""The console's pages, for a browser."""

import os
import secrets
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.console.aws.audit import AuditLog
from functions.console.aws.executions import PageExecutions
from functions.console.aws.functions import INVOKE_TIMEOUTS, Functions
from functions.console.aws.monitoring import ALARMS, Monitoring
from functions.console.context import Console
from functions.console.links import Links
from functions.console.routes import ROUTERS, Application
from functions.console.settings import ConsoleSettings
from functions.console.signin.provider import OidcProvider
from lytics_sendgrid.aws.timeouts import TIMEOUTS
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.console import ConsoleTable
from lytics_sendgrid.tables.days import DaysTable
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.rejected import RejectedIndex
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.tables.summaries import SummariesTable


@cache
def _application() -> Application:
    settings = read_settings(ConsoleSettings, os.environ)
    clock, links = SystemClock(), Links(settings.console_base_url)
    dynamodb = boto3.client("dynamodb", config=TIMEOUTS)
    step_functions = boto3.client("stepfunctions", config=TIMEOUTS)
    return Application(
        Console(
            settings=settings,
            clock=clock,
            links=links,
            store=ConsoleTable(dynamodb, settings.console_table),
            exports=ExportsTable(dynamodb, settings.exports_table),
            history=RunHistory(dynamodb, settings.exports_table),
            days=DaysTable(dynamodb, settings.exports_table),
            rejected=RejectedIndex(dynamodb, settings.contacts_table),
            summaries=SummariesTable(dynamodb, settings.exports_table),
            executions=PageExecutions(step_functions, settings.state_machine_arn),
            functions=Functions(boto3.client("lambda", config=INVOKE_TIMEOUTS)),
            monitoring=Monitoring(
                boto3.client("sqs", config=TIMEOUTS),
                boto3.client("cloudwatch", config=TIMEOUTS),
                [settings.alarm_prefix + name for name in ALARMS],
            ),
            provider=OidcProvider(settings, links, boto3.client("secretsmanager", config=TIMEOUTS), clock),
            audit=AuditLog(),
            new_token=lambda: secrets.token_urlsafe(32),
        ),
        ROUTERS,
    )


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway. GET changes nothing but a sign-in under way."""
    return _application().answer(event, context)
