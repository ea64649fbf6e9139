"""Report what a run did, audience by audience, to the person who started it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.report.audiences import audience_notes, audience_report, troubles
from functions.report.audited import AuditReport, audit_notes
from functions.report.cleared import cleared_audiences, clearing_notes, stop_notes
from functions.report.counted import Counted
from functions.report.document import AudienceReport, ImportJobs, RunReport
from functions.report.drift import AudienceDrift, audience_drift, drift_notes, whole_drift
from functions.report.troubles import failure
from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.counted_text import counted as counted_text
from lytics_sendgrid.counted_text import people as people_text
from lytics_sendgrid.domain.configuration import Account, Audience
from lytics_sendgrid.domain.sweep_findings import SweepFindings
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.limits import (
    MAX_STATE_BYTES,
    REPORT_NOTES_CHARS,
    bounded_notes,
    json_bytes,
)

_LAG: Final = (
    "SendGrid counts each segment every 1 to 24 hours, so its number lags behind. A Single Send is not "
    "affected: it reads the contacts themselves when it is sent"
)
_NOT_LIVE: Final = (
    "NOT LIVE: Lytics does not send this export's events yet, so after this run the segments stay as they "
    "are. Create the webhook job in Lytics as activation.paste says. When it is running, start this export "
    "again, so that everybody who entered or left meanwhile is included"
)
_WHOLE_RUN: Final = (
    "accepted, rejected and confirmed count the whole run, not one audience. A person counts once for each "
    "invocation of `deliver` that handles them, so a person in several audiences can count several times. "
    "Being sent again after a failed import job does not count again"
)
_RUNNING: Final = (
    "activation.running is true although live is false: it only means that the backfill did not have to wait "
    "for a webhook job in Lytics"
)
_AUDIENCE_NOTES_CHARS: Final = 2_000
_COUNTING_NOTE_CHARS: Final = 400
_COUNTS: Final = (
    *("requested", "created", "updated", "errored"),
    *("confirmed", "rejected", "refreshed", "parked", "unread"),
)
"""Of an import job that has ended: first what SendGrid counts, then what ``confirm`` counts."""


def run_report(run: ExportRun, account: Account, counted: Counted, finished_at: str) -> RunReport:
    """Return a run's report.

    Args:
        run: the execution's state.
        account: as provisioned.
        counted: what each side counts.
        finished_at: now, ISO 8601.
    """
    swept = (*run.audiences, *run.swept_only)
    drifts = _drifts(swept, counted)
    audiences = tuple(
        audience_report(audience, account, counted, drift)
        for audience, drift in zip(swept, drifts, strict=True)
    )
    activation, provision = run.activation, run.provision
    # A stop begins with the state before it.
    live = counted.has_job if activation is None or run.deactivation is not None else activation.live
    stopped = run.deactivation is not None
    drift = None if counted.sweep is None else whole_drift(drifts, counted.sweep, counted.health)
    audited = None if counted.audit is None else AuditReport.of(counted.audit)
    jobs = _import_jobs(counted.jobs)
    why = failure(troubles(audiences, counted), dry_run=run.dry_run)
    if audited is not None and audited.trouble:
        why = f"{why}\n{audited.trouble}".strip()
    # A field that is set appears in the report.
    optional: dict[str, Any] = {"drift": drift, "audit": audited, "failure": why or None}
    optional |= {"stopped": run.deactivation}
    optional |= {"cleared": cleared_audiences(counted.clearing) or None if counted.clearing else None}
    report = RunReport(
        run=run.run,
        export=run.export,
        account=run.account,
        live=live,
        started_at=run.started_at,
        finished_at=finished_at,
        audiences=audiences,
        people=_people(counted.counts) if run.backfill else None,
        import_jobs=jobs,
        sendgrid_contacts=counted.contacts,
        created=provision,
        activation=activation,
        notes=bounded_notes(
            (
                *stop_notes(run),
                *(clearing_notes(counted.clearing) if counted.clearing else ()),
                *(() if activation is None or live or stopped else (_NOT_LIVE, _RUNNING)),
                *(drift_notes(swept, drifts, drift, dry_run=run.dry_run) if drift else ()),
                *(audit_notes(audited, dry_run=run.dry_run) if audited else ()),
                *(provision.notes if provision else ()),
                *run.plan.notes,
                *(shortened(note, _COUNTING_NOTE_CHARS) for note in counted.notes),
                *bounded_notes(audience_notes(audiences), _AUDIENCE_NOTES_CHARS),
                *_job_notes(jobs),
                _LAG,
                *((_WHOLE_RUN,) if run.backfill else ()),
            ),
            REPORT_NOTES_CHARS,
        ),
        **{name: part for name, part in optional.items() if part is not None},
    )
    for smaller in (_without_repeated_names, _without_drift):
        if json_bytes(report.document()) > MAX_STATE_BYTES:
            report = smaller(report)
    return report


def _without_drift(report: RunReport) -> RunReport:
    """Leave out each audience's drift; the sums and the notes stay."""
    audiences = (audience.model_dump(by_alias=True, exclude_unset=True) for audience in report.audiences)
    kept = ({name: value for name, value in audience.items() if name != "drift"} for audience in audiences)
    return report.model_copy(update={"audiences": tuple(AudienceReport(**audience) for audience in kept)})


def _without_repeated_names(report: RunReport) -> RunReport:
    """Leave out the names of segments that are named like their audiences."""
    audiences = (audience.model_dump(by_alias=True, exclude_unset=True) for audience in report.audiences)
    kept = (
        {name: value for name, value in audience.items() if name != "segment" or value != audience["name"]}
        for audience in audiences
    )
    return report.model_copy(update={"audiences": tuple(AudienceReport(**audience) for audience in kept)})


def _drifts(audiences: Sequence[Audience], counted: Counted) -> list[AudienceDrift]:
    sweep = counted.sweep or SweepFindings()
    return [audience_drift(audience.id, sweep, counted.counts) for audience in audiences]


def _people(counts: Mapping[str, int]) -> dict[str, int | dict[str, int]]:
    rejected = {
        name.removeprefix("rejected."): number
        for name, number in counts.items()
        if name.startswith("rejected.")
    }
    others = {name: number for name, number in counts.items() if not name.startswith("rejected.")}
    return {"accepted": 0, "unchanged": 0, **others, "rejected": rejected}


def _import_jobs(outcomes: Mapping[str, Mapping[str, Any]]) -> ImportJobs:
    """Add the jobs up.

    SendGrid's ``created`` and ``updated`` may be fewer than ``confirmed``: a row that changes nothing is
    neither.
    """
    statuses = [outcome.get("status") for outcome in outcomes.values()]
    return ImportJobs(
        jobs=len(outcomes),
        failed=statuses.count("failed"),
        unknown=sum(status not in {"completed", "errored", "failed"} for status in statuses),
        **{name: sum(outcome.get(name, 0) for outcome in outcomes.values()) for name in _COUNTS},
    )


def _job_notes(totals: ImportJobs) -> list[str]:
    notes = []
    if totals.parked:
        notes.append(
            f"import jobs of {people_text(totals.parked)} failed again and again: their changes wait in the "
            "imports dead-letter queue. Redrive it when SendGrid works again"
        )
    if totals.unread:
        jobs = counted_text(totals.unread, "import job", "import jobs")
        notes.append(
            f"SendGrid refused rows of {jobs}, and it could not be read which: look at the imports in "
            "SendGrid (Marketing > Contacts)"
        )
    return notes
