"""Plan a run: read its input, survey both accounts, and return a plan or report every fault."""

from collections.abc import Callable
from typing import Protocol

from functions.plan.faults import refusal
from functions.plan.input import read_input
from functions.plan.planning import make_plan
from functions.plan.sizes import size_faults
from functions.plan.state import planned_run
from functions.plan.survey import (
    Configurations,
    LyticsAccount,
    SendGridAccount,
    Surveyor,
    authorization_faults,
)
from lytics_sendgrid.aws.secret import Authorization, WebhookSecrets
from lytics_sendgrid.errors import ExportRefused, InputInvalid, StopRun
from lytics_sendgrid.workflow.export_run import ExportRun


class Authorizations(Protocol):
    """The secrets."""

    def authorization(self, name: str, max_age_s: float = ...) -> Authorization: ...  # noqa: D102

    def webhook_secrets(self, name: str, max_age_s: float = ...) -> WebhookSecrets: ...  # noqa: D102


type Connect = Callable[[Authorization], tuple[SendGridAccount, LyticsAccount]]


def plan_run(
    run: str,
    document: object,
    configurations: Configurations,
    authorizations: Authorizations,
    connect: Connect,
    *,
    started_at: str,
) -> ExportRun:
    """Plan a run without changing anything.

    Args:
        run: the execution's name.
        document: the execution's input.
        configurations: what was provisioned before.
        authorizations: the secrets; never read from the cache, because a person may just have corrected one.
        connect: makes both vendors' clients for an authorization.
        started_at: now, ISO 8601.

    Returns:
        The state that the other tasks read.

    Raises:
        StopRun: all faults in one message, one a line; ``InputInvalid``, ``KeyRefused`` or another class that
            all faults share, otherwise ``ExportRefused``.
        RetryLater: AWS, SendGrid or Lytics does not answer now.
    """
    reading = read_input(document)
    wanted = reading.wanted
    faults: list[StopRun] = [InputInvalid(fault) for fault in reading.faults]
    if "authorization" in reading.faulty:
        raise refusal(faults)
    unsubscribable = _webhook_faults(authorizations, wanted.authorization) if wanted.subscribe else []
    try:
        authorization = authorizations.authorization(wanted.authorization, 0)
    except StopRun as fault:
        raise refusal([*faults, fault, *unsubscribable]) from fault
    faults += [*authorization_faults(authorization), *unsubscribable]
    sendgrid, lytics = connect(authorization)
    surveyor = Surveyor(
        configurations,
        sendgrid if authorization.sendgrid_api_key else None,
        lytics if authorization.lytics_api_token else None,
    )
    facts = surveyor.survey(wanted, authorization.account)
    plan, plan_faults = make_plan(wanted, facts)
    faults += [*surveyor.faults, *(ExportRefused(text) for text in plan_faults)]
    if faults:
        raise refusal(faults)
    planned = planned_run(run, started_at, wanted, authorization.account, plan)
    too_large = size_faults(planned)
    if too_large:
        raise refusal([ExportRefused(text) for text in too_large])
    return planned


def _webhook_faults(authorizations: Authorizations, name: str) -> list[StopRun]:
    try:
        secrets = authorizations.webhook_secrets(name, 0)
    except StopRun as fault:
        return [fault]
    if secrets.live:
        return []
    return [
        ExportRefused(
            f"\"webhook_secrets\" is empty in the secret '{secrets.secret}': put a long random text there, "
            "which Lytics will send with each webhook"
        )
    ]
