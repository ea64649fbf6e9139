"""Keep what both vendors of an authorization offer in the console's table: audiences, fields, lists."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.catalogue.settings import CatalogueSettings
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.console import ConsoleTable

logger = Logger()
KEPT_S = 300


@cache
def _collaborators() -> tuple[CatalogueSettings, ConsoleTable]:
    settings = read_settings(CatalogueSettings, os.environ)
    return settings, ConsoleTable(boto3.client("dynamodb"), settings.console_table)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Ask both vendors: ``{"authorization": "default"}``."""
    _, store = _collaborators()
    store.put(f"catalogue#{event['authorization']}", {}, SystemClock().now() + KEPT_S)
    logger.info("catalogue_kept", request_id=context.aws_request_id)
