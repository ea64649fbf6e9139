"""The report of a run, as its page shows it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.console.runs.vendors import lytics_audience, sendgrid_segment

REASONS: Final = {
    "address": "SendGrid refuses the address",
    "fields": "SendGrid refuses a field, so these people are there without their fields",
    "row": "SendGrid refused the row in an import job",
}
"""Why SendGrid refuses people, by the reports' word."""


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """An audience: what each side counts.

    Attributes:
        name: in Lytics.
        mark: its id, if another audience of the report has the same name; otherwise empty.
        lytics: people in it according to Lytics; None: unknown.
        sent: people that the run read and that have an address; None: the run did not read it.
        sendgrid: contacts in its segment according to SendGrid; None: unknown.
        counted_at: when SendGrid counted last, ISO 8601; None: unknown.
        without_address: people without a usable address.
        trouble: what is wrong with it; empty: nothing.
        lytics_url: of the audience in Lytics.
        sendgrid_url: of the segment in SendGrid; None: there is none.
        drift: what a resync found out of date; None: nothing, or it did not look.
    """

    name: str
    mark: str
    lytics: int | None
    sent: int | None
    sendgrid: int | None
    counted_at: str | None
    without_address: int
    trouble: str
    lytics_url: str
    sendgrid_url: str | None
    drift: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report.

    Attributes:
        live: Lytics sends the export's events.
        stopped: the run stopped the export.
        finished_at: ISO 8601.
        started_at: ISO 8601.
        audiences: in the order of the export.
        accepted: people whom SendGrid accepted; None: the run sent nobody.
        unchanged: people for whom nothing was to be sent.
        rejected: people whom SendGrid refuses, by what it refuses.
        confirmed: people whom SendGrid has confirmed.
        notes: what to know, the most important first.
        failure: which audiences are in trouble, and what to do; empty: none.
        drift: what a resync found out of date in all audiences; None: it did not look.
        contacts: in the SendGrid account; None: unknown.
        paste: what to enter in Lytics to create the webhook job by hand, each with its label; empty: nothing.
    """

    live: bool
    stopped: bool
    finished_at: str
    started_at: str
    audiences: tuple[AudienceRow, ...]
    accepted: int | None
    unchanged: int
    rejected: tuple[tuple[str, int], ...]
    confirmed: int
    notes: tuple[str, ...]
    failure: str
    drift: Mapping[str, Any] | None
    contacts: int | None
    paste: tuple[tuple[str, str], ...] = ()


def report_view(report: Mapping[str, Any]) -> ReportView:
    """Return a report for its page.

    Args:
        report: the document that ``report`` kept.
    """
    people = report.get("people") or {}
    rejected = people.get("rejected", {})
    names = Counter(audience["name"] for audience in report["audiences"])
    return ReportView(
        live=report["live"],
        stopped="stopped" in report,
        finished_at=report["finished_at"],
        started_at=report["started_at"],
        audiences=tuple(_audience(audience, names) for audience in report["audiences"]),
        accepted=people.get("accepted"),
        unchanged=people.get("unchanged", 0),
        rejected=tuple((REASONS.get(reason, reason), number) for reason, number in rejected.items()),
        confirmed=report["import_jobs"]["confirmed"],
        notes=tuple(report["notes"]),
        failure=report.get("failure", ""),
        drift=report.get("drift"),
        contacts=report.get("sendgrid_contacts"),
        paste=tuple(_pasted((report.get("activation") or {}).get("paste") or {})),
    )


def _pasted(paste: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a person enters in Lytics, in the order of its form."""
    if not paste:
        return
    header = paste["header"]
    yield "Where", paste["where"]
    yield "Webhook URL", paste["webhook_url"]
    yield "HTTP method", paste["http_method"]
    yield f"Header {header['name']}", header["value"]
    yield "Audiences", ", ".join(audience.get("name") or audience["id"] for audience in paste["audiences"])
    yield "Fields to export", ", ".join(paste["export_fields"])
    yield "Fields that trigger", ", ".join(paste["fields_to_trigger"])
    yield "Existing users", "yes" if paste["existing_users"] else "no"
    yield "Requests in batches", f"of {paste['batch_size']}, every {paste['batch_flush_duration_s']} s"
    yield "Do not retry", ", ".join(paste["do_not_retry"]) or "nothing"
    yield "CloudEvents", "yes" if paste["cloudevents"] else "no"


def _audience(audience: Mapping[str, Any], names: Counter[str]) -> AudienceRow:
    segment = audience.get("segment_id")
    # Older reports have ``misfit``.
    mismatch = audience.get("mismatch") or audience.get("misfit")
    return AudienceRow(
        name=audience["name"],
        mark=audience["id"] if names[audience["name"]] > 1 else "",
        lytics=audience["lytics"],
        sent=audience.get("queued"),
        sendgrid=audience["sendgrid"],
        counted_at=audience["sendgrid_counted_at"],
        without_address=audience.get("without_email", 0) + audience.get("bad_email", 0),
        trouble=audience.get("trouble") or mismatch or audience.get("segment_error") or "",
        lytics_url=lytics_audience(audience["id"]),
        sendgrid_url=sendgrid_segment(segment) if segment else None,
        drift=audience.get("drift"),
    )
