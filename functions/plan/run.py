"""Plan a run: read its input, survey both accounts, and answer with a plan or with everything that is wrong."""

from collections.abc import Callable
from typing import Any, Protocol

from functions.plan.document import plan_document
from functions.plan.faults import refusal
from functions.plan.input import read_input
from functions.plan.planning import make_plan
from functions.plan.survey import (
    Configurations,
    LyticsAccount,
    SendGridAccount,
    Surveyor,
    authorization_faults,
)
from lytics_sendgrid.aws.secret import Authorization
from lytics_sendgrid.errors import ExportRefused, InputInvalid, StopRun


class Authorizations(Protocol):
    """The secrets."""

    def authorization(self, name: str, max_age_s: float = ...) -> Authorization: ...  # noqa: D102


type Connect = Callable[[Authorization], tuple[SendGridAccount, LyticsAccount]]


def plan_run(
    run: str,
    document: object,
    configurations: Configurations,
    authorizations: Authorizations,
    connect: Connect,
    *,
    started_at: str,
) -> dict[str, Any]:
    """Plan a run, changing nothing.

    Args:
        run: the execution's name.
        document: the execution's input.
        configurations: what was provisioned before.
        authorizations: the secrets; read afresh, because a person may just have mended one.
        connect: makes both vendors' APIs of an authorization.
        started_at: now, ISO 8601.

    Returns:
        The state that the tasks after this one work with.

    Raises:
        StopRun: faults, all of them in one message, one a line. ``InputInvalid``, ``KeyRefused`` and the like where all
            of them are of that kind, else ``ExportRefused``.
        RetryLater: one of the sides does not answer now.
    """
    reading = read_input(document)
    wanted = reading.wanted
    faults: list[StopRun] = [InputInvalid(fault) for fault in reading.faults]
    if "authorization" in reading.faulty:
        raise refusal(faults)
    try:
        authorization = authorizations.authorization(wanted.authorization, 0)
    except StopRun as fault:
        raise refusal([*faults, fault]) from fault
    faults += authorization_faults(authorization, wanted)
    sendgrid, lytics = connect(authorization)
    surveyor = Surveyor(
        configurations,
        sendgrid if authorization.sendgrid_api_key else None,
        lytics if authorization.lytics_api_token else None,
    )
    facts = surveyor.survey(wanted, authorization.account)
    plan, wrong = make_plan(wanted, facts)
    faults += [*surveyor.faults, *(ExportRefused(text) for text in wrong)]
    if faults:
        raise refusal(faults)
    return plan_document(run, started_at, wanted, authorization.account, plan)
