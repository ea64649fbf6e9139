"""Whether an export is live, as ``activate`` found it."""

from lytics_sendgrid.workflow.state_part import StatePart


class Header(StatePart):
    """An HTTP header. ``value`` says where to find the secret; it never holds it."""

    name: str
    value: str


class AudienceToPaste(StatePart):
    """An audience to choose in Lytics. ``name`` is missing if the names of all audiences are too long."""

    id: str
    name: str | None = None


class ManualWebhook(StatePart):
    """What a person enters in Lytics to create the webhook job by hand."""

    where: str
    webhook_url: str
    http_method: str
    header: Header
    audiences: tuple[AudienceToPaste, ...]
    export_fields: tuple[str, ...]
    fields_to_trigger: tuple[str, ...]
    existing_users: bool
    batch_requests: bool
    batch_size: int
    batch_flush_duration_s: int
    do_not_retry: tuple[str, ...]
    cloudevents: bool


class Activation(StatePart):
    """Whether an export is live.

    Attributes:
        live: Lytics sends its events, or is about to.
        running: the backfill may begin: the job is running, or there is none to wait for.
        job_id: of the webhook job.
        state: the job's status in Lytics; ``NOT LIVE`` without a job.
        webhook_url: where the events go.
        paste: if the export is not live, what to enter in Lytics.
        waited: how many calls found that the job had not started yet.
    """

    live: bool
    running: bool
    job_id: str | None
    state: str
    webhook_url: str
    paste: ManualWebhook | None
    waited: int
