"""The report of a run: the execution's output, which is also kept in the exports table."""

from functions.report.audited import AuditReport
from functions.report.cleared import ClearedAudience
from functions.report.drift import AudienceDrift, Drift
from lytics_sendgrid.workflow.activation import Activation
from lytics_sendgrid.workflow.deactivation import Deactivation
from lytics_sendgrid.workflow.run_config import Provisioned
from lytics_sendgrid.workflow.state_part import StatePart


class AudienceReport(StatePart):
    """What each side counts in one audience. The fields with a default are left out unless they are set.

    Attributes:
        id: the audience's.
        name: the audience's.
        lytics: people in the audience according to Lytics, now; None: unknown.
        segment: the segment's name; None: unknown. If the report would be too large, it is left out of
            segments that are named like their audiences.
        segment_id: None: not provisioned.
        sendgrid: contacts in the segment according to SendGrid; None: unknown.
        sendgrid_counted_at: when SendGrid last counted.
        segment_error: why SendGrid calls the segment invalid.
        scanned: rows that the scan returned.
        without_email: of those, the ones whose e-mail field is empty.
        bad_email: of those, the ones whose e-mail field holds no valid address.
        complete: the scan fits Lytics' own count.
        mismatch: why it does not; empty if it does.
        queued: rows that became changes.
        drift: what was out of date. Only there after a sweep, if anything was, and if the report has room.
        parts: in how many parts the audience was read at the same time.
        whole: why it was read whole although parts were wanted.
        trouble: why the audience could not be scanned, and what to do.
    """

    id: str
    name: str
    lytics: int | None
    segment: str | None = None
    segment_id: str | None
    sendgrid: int | None
    sendgrid_counted_at: str | None
    segment_error: str = ""
    scanned: int = 0
    without_email: int = 0
    bad_email: int = 0
    complete: bool = False
    mismatch: str = ""
    queued: int = 0
    drift: AudienceDrift | None = None
    parts: int = 0
    whole: str = ""
    trouble: str = ""


class ImportJobs(StatePart):
    """The sums over a run's import jobs.

    Attributes:
        jobs: how many there are.
        failed: how many of them failed.
        unknown: how many ended without a result.
        requested: rows, as SendGrid counts them; so are ``created``, ``updated`` and ``errored``.
        confirmed: contacts that are in SendGrid as sent, as ``confirm`` counts them; so are the fields below.
        rejected: contacts that SendGrid refused.
        refreshed: contacts that were sent again.
        parked: contacts whose jobs failed too often.
        unread: jobs whose refused rows could not be read.
    """

    jobs: int
    failed: int
    unknown: int
    requested: int
    created: int
    updated: int
    errored: int
    confirmed: int
    rejected: int
    refreshed: int
    parked: int
    unread: int


class RunReport(StatePart):
    """The report of a run.

    Attributes:
        run: the execution's name.
        export: the export's name.
        account: the SendGrid account.
        live: Lytics sends the export's events.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC.
        audiences: in the input's order.
        people: contacts by outcome, and under ``rejected`` by reason; None without a backfill.
        import_jobs: their sums.
        sendgrid_contacts: in the account; None: unknown.
        created: what ``provision`` did; None: a resync creates nothing.
        activation: what ``activate`` did; None: a resync activates nothing.
        notes: for a person, the most important first.
        drift: what was out of date in all audiences, and why. Only there after a sweep.
        failure: which audiences are in trouble, and what to do. Only there if one is: the run then fails.
        audit: what differed in SendGrid. Only there after an audit.
        cleared: audiences that were removed, and cleared by this run. Only there if there are any.
        stopped: what a stop did in Lytics. Only there after a stop.
    """

    run: str
    export: str
    account: str
    live: bool
    started_at: str
    finished_at: str
    audiences: tuple[AudienceReport, ...]
    people: dict[str, int | dict[str, int]] | None
    import_jobs: ImportJobs
    sendgrid_contacts: int | None
    created: Provisioned | None
    activation: Activation | None
    notes: tuple[str, ...]
    drift: Drift | None = None
    failure: str = ""
    audit: AuditReport | None = None
    cleared: tuple[ClearedAudience, ...] = ()
    stopped: Deactivation | None = None
