"""Report what each side counts in one audience, and which audiences are in trouble."""

from collections.abc import Sequence
from typing import Any, Final

from functions.report.counted import Counted
from functions.report.document import AudienceReport
from functions.report.drift import AudienceDrift
from functions.report.troubles import AudienceTrouble
from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.checkpoint import Checkpoint, is_far_fewer, shortage
from lytics_sendgrid.domain.configuration import Account, Audience
from lytics_sendgrid.domain.sweep_findings import SweepFindings
from lytics_sendgrid.workflow.limits import SEGMENT_ERROR_CHARS

_NO_SEGMENT: Final = (
    "its segment does not exist in SendGrid any more, so e-mails to it reach nobody. Resync the export with "
    '"audit": true and "repair_segments": true, or start it again: both create the segment again. Then point '
    "Single Sends and automations that used it to the new one"
)


def audience_report(
    audience: Audience, account: Account, counted: Counted, drift: AudienceDrift
) -> AudienceReport:
    """Return what each side counts in one audience."""
    provisioned = account.audiences.get(audience.id)
    segment_id = provisioned.segment_id if provisioned else None
    segment = (counted.segments or {}).get(segment_id or "")
    size = None if counted.lytics is None else counted.lytics.get(audience.id)
    # A field that is set appears in the report, so fields that do not apply must stay unset.
    fields: dict[str, Any] = {}
    if segment is not None and segment.validation == "INVALID":
        fields["segment_error"] = shortened(segment.error, SEGMENT_ERROR_CHARS)
    if counted.sweep is not None and drift.model_fields_set:
        fields["drift"] = drift
    scan = counted.scans.get(audience.id)
    if scan is not None:
        fields |= _scan_fields(scan, size)
    return AudienceReport(
        id=audience.id,
        name=audience.name,
        lytics=size,
        segment=segment.name if segment else None,
        segment_id=segment_id,
        sendgrid=segment.contacts if segment else None,
        sendgrid_counted_at=segment.counted_at if segment else None,
        **fields,
    )


def _scan_fields(scan: Checkpoint, size: int | None) -> dict[str, Any]:
    complete, mismatch = scan.is_complete, scan.mismatch if scan.done else ""
    if complete and size is not None and is_far_fewer(scan.scanned, size):
        # If a scan ends early, the totals on its pages may be wrong, too.
        complete = False
        mismatch = shortage(size, scan.scanned)
    optional = {"parts": len(scan.parts), "whole": scan.whole, "trouble": scan.trouble}
    return {
        "scanned": scan.scanned,
        "without_email": scan.without_email,
        "bad_email": scan.bad_email,
        "complete": complete,
        "mismatch": mismatch,
        "queued": scan.people,
        **{name: value for name, value in optional.items() if value},
    }


def troubles(audiences: Sequence[AudienceReport], counted: Counted) -> list[AudienceTrouble]:
    """Return the audiences that were not scanned whole, or not swept, or have no segment.

    Others may not be scanned at all.
    """
    sweep = counted.sweep or SweepFindings()
    found = []
    for audience in audiences:
        if audience.id in counted.gone:
            found.append(AudienceTrouble(audience.name, _NO_SEGMENT))
        swept = sweep.of(audience.id).trouble
        if audience.trouble:
            found.append(AudienceTrouble(audience.name, audience.trouble))
        elif audience.mismatch:
            what_to_do = "Start the export again; if it says the same, ask Lytics' support"
            found.append(AudienceTrouble(audience.name, f"{audience.mismatch}. {what_to_do}"))
        elif swept:
            found.append(AudienceTrouble(audience.name, swept))
    wrong = counted.audit.wrong if counted.audit else ()
    return found + [AudienceTrouble(name, reason) for name, reason in wrong]


def audience_notes(audiences: Sequence[AudienceReport]) -> list[str]:
    """Return notes about single audiences, for a person."""
    notes = [
        f"SendGrid calls the segment of '{audience.name}' invalid ({audience.segment_error}): delete it in "
        "SendGrid and start the export again"
        for audience in audiences
        if "segment_error" in audience.model_fields_set
    ]
    notes += [f"'{audience.name}': {audience.trouble}" for audience in audiences if audience.trouble]
    notes += [f"'{audience.name}': {audience.mismatch}" for audience in audiences if audience.mismatch]
    return notes + [
        f"'{audience.name}' was scanned with one request at a time: {audience.whole}"
        for audience in audiences
        if audience.whole
    ]
