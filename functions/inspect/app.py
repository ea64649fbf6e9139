"""Answer what the ledger, SendGrid and Lytics know about one person, and where they differ."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.inspect.answer import Sides, inspect_person, person_of
from functions.inspect.question import question_from
from functions.inspect.settings import InspectSettings
from functions.inspect.threads import Threads
from lytics_sendgrid.aws.audit_trail import audit_trail
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.erasure import HASH_BYTES, erasure_hash
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.api import lytics_at
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.settings import read_settings
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable

logger = Logger()
trail = audit_trail()


@cache
def _collaborators() -> tuple[InspectSettings, ExportsTable, ErasuresTable, ContactsTable, Secrets]:
    inspect_settings = read_settings(InspectSettings, os.environ)
    dynamodb = boto3.client("dynamodb")
    exports = ExportsTable(dynamodb, inspect_settings.exports_table)
    ledger = ContactsTable(dynamodb, inspect_settings.contacts_table, SystemClock(), connections=1)
    secrets = Secrets(boto3.client("secretsmanager"), inspect_settings.secret_prefix, SystemClock())
    erasures = ErasuresTable(dynamodb, inspect_settings.exports_table)
    return inspect_settings, exports, erasures, ledger, secrets


def _sides(export: Export) -> Sides:
    inspect_settings, _, erasures, ledger, secrets = _collaborators()
    authorization = secrets.authorization(export.authorization, max_age_s=0)
    return Sides(
        ledger,
        sendgrid_at(inspect_settings.sendgrid_url, authorization.sendgrid_api_key),
        lytics_at(inspect_settings.lytics_url, authorization.lytics_api_token),
        erasures,
        inspect_settings.webhook_base_url,
        _is_deliver_paused(inspect_settings.deliver_mapping),
    )


def _is_deliver_paused(mapping: str) -> bool:
    try:
        with translated("Lambda"):
            state = boto3.client("lambda").get_event_source_mapping(UUID=mapping).get("State", "")
    except LyticsSendGridError as error:
        logger.warning("delivery_state_unknown", reason=str(error))
        return False
    return state in {"Disabled", "Disabling"}


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one question: ``{"export": "newsletter", "email": "jane@example.com"}``.

    ``wait_s`` limits how long the vendors are waited for. ``asked_by`` names the person who asks.

    Returns:
        See ``answer.answer_document``. Neither the question's address nor the answer is logged, but a keyed
        hash of the address, so that it can be proved later who looked somebody up.
    """
    question = question_from(event)
    _, exports, erasures, _, _ = _collaborators()
    export, address = person_of(question, exports)
    trail.info(
        "person_looked_up",
        export=export.name,
        account=export.account,
        asked_by=question.asked_by,
        person=f"{erasure_hash(erasures.hash_key(export.account), address):0{2 * HASH_BYTES}x}",
        request_id=context.aws_request_id,
    )
    now_ms = int(SystemClock().now() * 1000)
    answer = inspect_person(question, exports, _sides, now_ms, Threads(question.wait_s))
    logger.info(
        "person_inspected",
        export=export.name,
        differences=len(answer["differences"]),
        request_id=context.aws_request_id,
    )
    return answer
