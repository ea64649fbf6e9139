"""Erase people in SendGrid and in the ledger, and keep them out for a while."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.erase.erasing import Sides, erase
from functions.erase.person import EraseDelays
from functions.erase.request import request_from
from functions.erase.settings import EraseSettings
from lytics_sendgrid.aws.audit_trail import audit_trail
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable

trail = audit_trail()


@cache
def _sides() -> Sides:
    config = read_settings(EraseSettings, os.environ)
    dynamodb = boto3.client("dynamodb")
    secrets = Secrets(boto3.client("secretsmanager"), config.secret_prefix, SystemClock())
    return Sides(
        configurations=ExportsTable(dynamodb, config.exports_table),
        ledger=ContactsTable(dynamodb, config.contacts_table, SystemClock(), connections=1),
        erasures=ErasuresTable(dynamodb, config.exports_table),
        changes=QueueWriter(boto3.client("sqs"), config.changes_queue_url),
        sendgrid=lambda export: sendgrid_at(
            config.sendgrid_url, secrets.authorization(export.authorization, max_age_s=0).sendgrid_api_key
        ),
        hold_days=config.erasure_hold_days,
        delays=EraseDelays(config.clear_delay_s, config.refresh_delay_s),
    )


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Erase people: ``{"export": "newsletter", "emails": ["jane@example.com"]}``.

    Returns:
        See ``erasing.erase``. Neither an address nor the answer is logged.
    """
    request = request_from(event)
    answer = erase(request, _sides(), SystemClock().now())
    trail.info(
        "people_erased",
        export=request.export,
        account=answer["account"],
        counts=answer["counts"],
        request_id=context.aws_request_id,
    )
    return answer
