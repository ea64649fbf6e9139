"""Find out from the configuration what a scan has to read and to queue."""

from typing import Protocol

from functions.backfill.outbox import Work
from functions.backfill.state import ScanRequest
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.domain.email_fields import email_fields
from lytics_sendgrid.errors import StopRun


class Configurations(Protocol):
    """The configuration of the account and of its exports."""

    def account(self, name: str) -> Account: ...  # noqa: D102

    def export(self, name: str) -> Export | None: ...  # noqa: D102


def work_of(request: ScanRequest, configurations: Configurations, prefix: str) -> Work:
    """Return what to scan.

    Raises:
        StopRun: there is no such export, or it does not have the audience and would queue people for it.
    """
    audience = request.audience.id
    queues = request.audience.queues and not request.second
    export = configurations.export(request.export)
    if export is None or (queues and audience not in export.audience_ids):
        raise StopRun(
            f"the export '{request.export}' has no such audience in its configuration: start the state "
            "machine from the beginning"
        )
    account = configurations.account(export.account)
    provisioned = account.audiences.get(audience)
    return Work(
        export=export,
        audience=audience,
        run=request.run,
        prefix=prefix,
        email_fields=email_fields(account, audience, configurations.export)
        or ((export.name, export.email_field),),
        enter_ns=(provisioned.since_ns if provisioned else 0) + 1,
        requests=1 if request.second else request.audience.requests,
        queues=queues,
        scan=int(request.second),
        question=request.dry_run,
        name=next((known.name for known in export.audiences if known.id == audience), ""),
    )
