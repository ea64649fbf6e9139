"""The state of one run of an export, as Step Functions passes it from task to task.

``plan`` writes the state. Each later task reads it and returns one more part, which the state machine adds
under that part's key. People see the same JSON in the Step Functions console.

A running execution carries the state that an older release wrote, so a new field needs a default.
"""

from typing import Literal

from pydantic import Field

from lytics_sendgrid.domain.configuration import Audience, FieldKind
from lytics_sendgrid.workflow.audit_progress import AuditProgress
from lytics_sendgrid.workflow.clear_progress import ClearProgress, Finished
from lytics_sendgrid.workflow.deactivation import Deactivation
from lytics_sendgrid.workflow.state_part import StatePart
from lytics_sendgrid.workflow.sweep_progress import SweepProgress


class ToCreate(StatePart):
    """Names of what a run creates in SendGrid."""

    custom_fields: tuple[str, ...]
    segments: tuple[str, ...]


class ToReuse(ToCreate):
    """Names of what a run finds in SendGrid and uses."""

    contact_list: str | None = Field(alias="list")


class Estimate(StatePart):
    """How long a run takes, what it costs on AWS, and what both figures are based on."""

    minutes: int
    aws_dollars: float
    basis: str


class AudienceChange(StatePart):
    """An audience that a start adds to its export or removes from it.

    Attributes:
        name: in Lytics.
        people: in it, as Lytics counts; None: unknown.
        becomes: ``added``; ``cleared``: everybody is taken out of its segment; ``deleted``: then the segment
            is deleted; ``kept``: it stays as it is; ``shared``: another export has it, too.
    """

    name: str
    people: int | None
    becomes: Literal["added", "cleared", "deleted", "kept", "shared"]


class Difference(StatePart):
    """What a start changes in an export that was started before. The plan's notes say the same in words.

    Attributes:
        audiences_added: new ones.
        audiences_removed: those that the input leaves out.
        fields_new: names of SendGrid fields that the export fills from now on.
        fields_stale: names of SendGrid fields that nobody fills any more.
        list_changed: the contacts go to another list.
        email_field_changed: people are identified by another Lytics field.
        left_out: how many entries of the lists there was no room for. Only there if it is not 0.
    """

    audiences_added: tuple[AudienceChange, ...]
    audiences_removed: tuple[AudienceChange, ...]
    fields_new: tuple[str, ...]
    fields_stale: tuple[str, ...]
    list_changed: bool
    email_field_changed: bool
    left_out: int = 0


class PlanSummary(StatePart):
    """The plan for a person to read.

    Attributes:
        create: what the run creates in SendGrid.
        reuse: what it finds there.
        people: in all audiences; a person counts once in each.
        estimate: time and cost.
        notes: what to know, the most important first.
        difference: what changes in the export; None: it is new.
    """

    create: ToCreate
    reuse: ToReuse
    people: int
    estimate: Estimate
    notes: tuple[str, ...]
    difference: Difference | None = None


class FieldConfig(StatePart):
    """One Lytics field, the SendGrid field that it goes to, and the longest text that field takes."""

    lytics: str
    name: str
    kind: FieldKind
    custom: bool
    max_chars: int


class ListConfig(StatePart):
    """The SendGrid list that contacts are put on."""

    id: str
    name: str


class SegmentConfig(StatePart):
    """The segment of one audience.

    Attributes:
        audience: its id.
        name: the segment's name; None: it follows from the audience's, as ``segment_name`` says.
        field: the membership field that the segment's query reads.
        rename: the audience was renamed in Lytics, and the segment still has the name that it was given.
        exists: SendGrid had the segment before the run. Otherwise this product makes it.
        repair: the segment's query was changed in SendGrid, and the run gives it back.
        replaces: our present segment, which is deleted first: SendGrid cannot move a segment to another list.
    """

    audience: str
    name: str | None = None
    field: str
    rename: bool = False
    exists: bool = False
    repair: bool = False
    replaces: str | None = None


class RunConfig(StatePart):
    """What ``provision`` carries out.

    Attributes:
        adopt: take over a membership field that this product did not create.
        email_field: the Lytics field that holds the address.
        mapping: the other fields.
        membership_fields: name to id; None: to be created.
        contact_list: the list, if any.
        segments: one for each audience.
    """

    adopt: bool
    email_field: str
    mapping: tuple[FieldConfig, ...]
    membership_fields: dict[str, str | None]
    contact_list: ListConfig | None = Field(alias="list")
    segments: tuple[SegmentConfig, ...]


class Provisioned(StatePart):
    """What ``provision`` did.

    Attributes:
        version: of the account's configuration.
        fields: names of the custom fields that were created.
        segments: how many segments were created.
        adopted: how many existing segments this product took over, because their name and query are an
            audience's. Only there if it is not 0.
        renamed: how many segments were renamed like their audiences. Only there if it is not 0.
        repaired: how many segments' queries were restored. Only there if it is not 0.
        notes: for a person. Only there if there are any.
    """

    version: int
    fields: tuple[str, ...]
    segments: int
    adopted: int = 0
    renamed: int = 0
    repaired: int = 0
    notes: tuple[str, ...] = ()


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


class DoneOf(StatePart):
    """How many are done, of how many."""

    done: int
    of: int


class SettleProgress(StatePart):
    """How far a run has settled.

    Attributes:
        settled: every message is committed and every import job has ended.
        messages: of the backfill.
        jobs: import jobs that carry its contacts.
        stop: why the export is stopped; empty if it is not.
        wait_s: seconds until the next check.
        elsewhere: continue in a new execution, before this one's history is full.
        round: number of this check, counted from 1.
        started_s: when the first check was made, Unix seconds.
        moved_s: when the progress last changed, Unix seconds.
    """

    settled: bool
    messages: DoneOf
    jobs: DoneOf
    stop: str
    wait_s: int
    elsewhere: bool
    round: int
    started_s: int
    moved_s: int


class RunOptions(StatePart):
    """What a person may choose for a run.

    Attributes:
        removed_audiences: what becomes of an audience that no export has any more: ``clear`` takes its id out
            of everybody's row, ``keep`` leaves ids and segment as they are.
        clear: a stop also clears the export's audiences.
        delete_segments: segments of cleared audiences, and those on a list that is given up, are deleted.
        scan_parallelism: how many requests the run may have open at Lytics.
        max_leavers_percent: if more than this percentage of an audience's members are missing in Lytics'
            scan, nobody is taken out of it.
        audit: compare SendGrid's contacts with the ledger.
        restore_deleted: contacts that were deleted in SendGrid are made again.
        repair_segments: segments that were changed or deleted in SendGrid are repaired.
        scheduled: the nightly schedule started the run.
    """

    removed_audiences: Literal["clear", "keep"] = "clear"
    clear: bool = False
    delete_segments: bool = False
    scan_parallelism: int = 4
    max_leavers_percent: int = 20
    audit: bool = False
    restore_deleted: bool = False
    repair_segments: bool = False
    scheduled: bool = False


class ScanOrder(StatePart):
    """An audience to scan.

    Attributes:
        id: the audience's.
        requests: how many pages of it may be requested at the same time.
        queues: everybody in it is queued. False: only who is in it is kept, because only other exports of the
            account have it.
    """

    id: str
    requests: int = 1
    queues: bool = True


class ExportRun(StatePart):
    """The state of a run.

    Attributes:
        run: the execution's name.
        started_at: ISO 8601, UTC.
        export: the export's name.
        authorization: the name of its secret.
        account: the SendGrid account.
        subscribe: create the Lytics webhook job.
        backfill: scan the audiences.
        dry_run: end after the plan.
        audiences: what is exported.
        scans: what is scanned, and with how many requests at the same time.
        scans_at_once: how many audiences are scanned at the same time.
        plan: for a person.
        config: for ``provision``.
        action: ``start``, ``resync`` or ``stop``.
        again: the export, or one of its audiences in another export, was there before, so that a start is
            swept, too.
        options: what the person who started the run chose.
        planned_version: of the account's configuration, read before everything else that a dry run is made
            from. Only there in a dry run.
        swept_only: audiences that this export no longer has, but other exports. They are scanned and swept.
        skipped: why a scheduled run does nothing; empty: it does.
        provision: what ``provision`` returned.
        activation: what ``activate`` returned last.
        deactivation: what ``deactivate`` returned.
        clearing: what ``clear`` returned last, before the run settled.
        finished: what ``clear`` returned after that.
        sweep: what ``sweep`` returned last.
        audit: what ``audit`` returned last.
        settle: what ``settle`` returned last.
    """

    run: str
    started_at: str
    export: str
    authorization: str
    account: str
    subscribe: bool
    backfill: bool
    dry_run: bool
    audiences: tuple[Audience, ...]
    plan: PlanSummary
    config: RunConfig
    action: Literal["start", "resync", "stop"] = "start"
    again: bool = False
    options: RunOptions = RunOptions()
    planned_version: int | None = None
    swept_only: tuple[Audience, ...] = ()
    skipped: str = ""
    scans: tuple[ScanOrder, ...] = ()
    scans_at_once: int = 1
    provision: Provisioned | None = None
    activation: Activation | None = None
    deactivation: Deactivation | None = None
    clearing: ClearProgress | None = None
    finished: Finished | None = None
    sweep: SweepProgress | None = None
    audit: AuditProgress | None = None
    settle: SettleProgress | None = None


class ActivatedRun(ExportRun):
    """The state of a run that is provisioned and activated, as ``report`` needs it."""

    provision: Provisioned
    activation: Activation
