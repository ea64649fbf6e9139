"""What a run has done, audience by audience, for the person who started it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lytics_sendgrid.domain.checkpoint import is_far_below
from lytics_sendgrid.domain.configuration import Account
from lytics_sendgrid.sendgrid.resources import Segment

_LAG: Final = (
    "SendGrid counts a segment anew every 1 to 24 hours, so its number lags behind; a Single Send looks at the contacts "
    "themselves at the time it is sent"
)
_NOT_LIVE: Final = (
    "NOT LIVE: Lytics does not send this export's events yet, so the segments stay as they are now. Enter in Lytics what is "
    "under activation.paste; when that job runs, start this export again, so that nobody who came or went meanwhile is missed"
)
_SENDGRIDS_COUNTS: Final = ("requested", "created", "updated", "errored")
_OUR_COUNTS: Final = ("confirmed", "rejected", "refreshed", "parked", "unread")
"""What confirm found and did about an ended job's contacts."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What each side counts; None: it could not be read, and a note says why.

    Attributes:
        lytics: audience id to how many people Lytics counts in it now.
        segments: SendGrid's, by id.
        contacts: of the SendGrid account.
        scans: audience id to the checkpoint of its scan.
        counts: what deliver counted of this run: ``accepted``, ``unchanged``, ``rejected.<reason>``.
        jobs: how each import job ended.
        notes: what could not be read.
    """

    lytics: Mapping[str, int] | None
    segments: Mapping[str, Segment] | None
    contacts: int | None
    scans: Mapping[str, Mapping[str, Any] | None]
    counts: Mapping[str, int]
    jobs: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = field(default=())


def report_document(
    state: Mapping[str, Any], account: Account, counted: Counted, finished_at: str
) -> dict[str, Any]:
    """Write a run's report, which is also the execution's output.

    Args:
        state: the execution's.
        account: as provisioned.
        counted: what each side counts.
        finished_at: now, ISO 8601.
    """
    activation = state["activation"]
    audiences = [_audience(audience, account, counted) for audience in state["audiences"]]
    notes = [*state["plan"]["notes"], *counted.notes]
    if not activation["live"]:
        notes.insert(0, _NOT_LIVE)
    notes += [
        f"the segment of '{audience['name']}' is invalid in SendGrid ({audience['segment_error']}): delete it there and "
        f"start the export again"
        for audience in audiences
        if audience.get("segment_error") is not None
    ]
    notes += [
        f"'{audience['name']}': {audience['misfit']}" for audience in audiences if audience.get("misfit")
    ]
    jobs = _jobs(counted.jobs)
    notes += [*_job_notes(jobs), _LAG]
    if state["backfill"]:
        notes.append(
            "accepted, rejected and confirmed are of the whole run, not by audience; who was sent twice counts twice"
        )
    return {
        "run": state["run"],
        "export": state["export"],
        "account": state["account"],
        "live": activation["live"],
        "started_at": state["started_at"],
        "finished_at": finished_at,
        "audiences": audiences,
        "people": _people(counted.counts) if state["backfill"] else None,
        "import_jobs": jobs,
        "sendgrid_contacts": counted.contacts,
        "created": state["provision"],
        "activation": activation,
        "notes": notes,
    }


def _audience(audience: Mapping[str, Any], account: Account, counted: Counted) -> dict[str, Any]:
    provisioned = account.audiences.get(audience["id"])
    segment = (counted.segments or {}).get((provisioned.segment_id if provisioned else None) or "")
    document: dict[str, Any] = {
        "id": audience["id"],
        "name": audience["name"],
        "lytics": None if counted.lytics is None else counted.lytics.get(audience["id"]),
        "segment": segment.name if segment else None,
        "segment_id": provisioned.segment_id if provisioned else None,
        "sendgrid": segment.contacts if segment else None,
        "sendgrid_counted_at": segment.counted_at if segment else None,
    }
    if segment is not None and segment.validation == "INVALID":
        document["segment_error"] = segment.error
    scan = counted.scans.get(audience["id"])
    if scan is not None:
        document |= {
            key: scan[key] for key in ("scanned", "without_email", "bad_email", "complete", "misfit")
        }
        document["queued"] = scan["people"]
        size = document["lytics"]
        if scan["complete"] and size is not None and is_far_below(scan["scanned"], size):
            # A scan that ends early need not say so: its pages' totals may be as wrong as its end.
            document["complete"] = False
            document["misfit"] = (
                f"Lytics counts {size} people in the audience and its scan returned {scan['scanned']}"
            )
    return document


def _people(counts: Mapping[str, int]) -> dict[str, Any]:
    rejected = {
        name.removeprefix("rejected."): number
        for name, number in counts.items()
        if name.startswith("rejected.")
    }
    others = {name: number for name, number in counts.items() if not name.startswith("rejected.")}
    return {"accepted": 0, "unchanged": 0, **others, "rejected": rejected}


def _jobs(jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Sum the jobs up. SendGrid's created and updated need not add up to what is confirmed: a row may change nothing."""
    names = (*_SENDGRIDS_COUNTS, *_OUR_COUNTS)
    totals = {"jobs": len(jobs), "failed": 0, "unknown": 0} | dict.fromkeys(names, 0)
    for outcome in jobs.values():
        if outcome.get("status") == "failed":
            totals["failed"] += 1
        elif outcome.get("status") not in {"completed", "errored"}:
            totals["unknown"] += 1
        for name in names:
            totals[name] += outcome.get(name, 0)
    return totals


def _job_notes(totals: Mapping[str, int]) -> list[str]:
    notes = []
    if totals["parked"]:
        notes.append(
            f"{totals['parked']} people's import jobs failed again and again: they wait in the imports dead-letter queue, to "
            f"be redriven when SendGrid is well"
        )
    if totals["unread"]:
        notes.append(
            f"SendGrid refused rows of {totals['unread']} import jobs and whose they are could not be read: look at the "
            f"imports in SendGrid (Marketing > Contacts)"
        )
    return notes
