"""The state of one run of an export, as Step Functions passes it from task to task.

``plan`` writes the state. Each later task reads it and returns one more part, which the state machine adds
under that part's key. People see the same JSON in the Step Functions console.

A running execution carries the state that an older release wrote, so a new field needs a default.
"""

from typing import Literal

from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.workflow.activation import Activation
from lytics_sendgrid.workflow.audit_progress import AuditProgress
from lytics_sendgrid.workflow.clear_progress import ClearProgress, Finished
from lytics_sendgrid.workflow.deactivation import Deactivation
from lytics_sendgrid.workflow.plan_summary import PlanSummary
from lytics_sendgrid.workflow.run_config import Provisioned, RunConfig
from lytics_sendgrid.workflow.settle_progress import SettleProgress
from lytics_sendgrid.workflow.state_part import StatePart
from lytics_sendgrid.workflow.sweep_progress import SweepProgress


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
        restore_deleted: contacts that were deleted in SendGrid are recreated.
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
