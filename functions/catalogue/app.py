"""Ask both vendors what an export can be made of, for the console: its pages cannot wait so long."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.catalogue.asking import LyticsAccount, SendGridAccount, ask
from functions.catalogue.room import with_room
from functions.catalogue.settings import CatalogueSettings
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.console import ConsoleTable
from lytics_sendgrid.workflow.catalogue import ASKED_S, KEPT_S, catalogue_key

logger = Logger()


@cache
def _collaborators() -> tuple[CatalogueSettings, ConsoleTable, Secrets]:
    settings = read_settings(CatalogueSettings, os.environ)
    store = ConsoleTable(boto3.client("dynamodb"), settings.console_table)
    secrets = Secrets(boto3.client("secretsmanager"), settings.secret_prefix, SystemClock())
    return settings, store, secrets


def _accounts(name: str) -> tuple[LyticsAccount, SendGridAccount]:
    settings, _, secrets = _collaborators()
    authorization = secrets.authorization(name, 0)
    return (
        lytics_at(settings.lytics_url, authorization.lytics_api_token),
        sendgrid_at(settings.sendgrid_url, authorization.sendgrid_api_key),
    )


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Write what both accounts hold into the console's table: ``{"authorization": "default"}``.

    The console invokes it without waiting and reads the table. A second invocation asks the
    vendors a second time.
    """
    _, store, _ = _collaborators()
    name = str(event["authorization"])
    asked_s = int(SystemClock().now())
    for catalogue in ask(asked_s, lambda: _accounts(name)):
        fitting = with_room(catalogue)
        kept_s = KEPT_S if fitting.done else ASKED_S
        store.put(catalogue_key(name), fitting.document(), SystemClock().now() + kept_s)
    logger.info(
        "catalogue_read",
        audiences=len(fitting.audiences or ()),
        faults=sorted(fitting.faults),
        left_out=sum(fitting.left_out.values()),
        request_id=context.aws_request_id,
    )
