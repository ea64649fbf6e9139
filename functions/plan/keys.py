"""Which keys of an authorization a run needs."""

from typing import Final

from functions.plan.input import ExportInput, StopInput
from lytics_sendgrid.aws.secret import Authorization
from lytics_sendgrid.errors import ExportRefused, StopRun
from lytics_sendgrid.sendgrid.documents import HOW_TO_PERMIT
from lytics_sendgrid.workflow.faults import pointer

PLAIN_STOP: Final = 'Without "clear": true, the stop needs no key of SendGrid'


def authorization_faults(authorization: Authorization, wanted: ExportInput) -> list[StopRun]:
    """Return a fault for each key that an input needs, and that is missing in a secret.

    A stop needs no token of Lytics, and a key of SendGrid only if it sends contacts.
    """
    where = f"in the secret '{authorization.secret}'"
    stop = wanted if isinstance(wanted, StopInput) else None
    texts = []
    if not authorization.sendgrid_api_key and (stop is None or stop.clear):
        without = f". {PLAIN_STOP}" if stop is not None else ""
        texts.append(f'"sendgrid_api_key" is empty {where}: {HOW_TO_PERMIT}{without}')
    if not authorization.lytics_api_token and stop is None:
        texts.append(
            f'"lytics_api_token" is empty {where}: create a token in Lytics (Account Settings > Access '
            "Tokens) and put it there"
        )
    return [ExportRefused(text, at=pointer("authorization")) for text in texts]
