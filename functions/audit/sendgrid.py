"""What only an audit asks of SendGrid: an export of all contacts."""

from collections.abc import Iterator
from typing import Final

from functions.audit.contact_export import ContactExport, contact_export_from
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.sendgrid.api import CONTACTS, SEGMENTS, SendGrid
from lytics_sendgrid.sendgrid.documents import unreadable
from lytics_sendgrid.transport.client import VendorHttp, escaped
from lytics_sendgrid.transport.download import download, is_local

EXPORTS: Final = f"{CONTACTS}/exports"
_MAX_FILE_BYTES: Final = 6_000_000_000
"""SendGrid splits an export into files of at most 5,000 MB (OpenAPI mc_contacts, 2026-01-22)."""


class AuditedSendGrid(SendGrid):
    """SendGrid's API with what an audit needs."""

    def start_contact_export(self) -> str:
        """Have all contacts of the account exported as CSV, and return the job's id.

        Nobody is notified by e-mail: a resync is not a person's request for a file.
        """
        what = "the export of all contacts"
        body = {"file_type": "csv", "notifications": {"email": False}}
        job = self._send("POST", EXPORTS, body, what).get("id")
        if not isinstance(job, str) or not job:
            raise unreadable(what, writes=True)
        return job

    def contact_export(self, job: str) -> ContactExport:
        """Return how far an export is."""
        what = "the export of contacts"
        export = contact_export_from(self._get(f"{EXPORTS}/{escaped(job)}", what))
        if export is None:
            raise unreadable(what)
        return export

    def change_segment(self, segment_id: str, *, name: str | None, query: str | None) -> None:
        """Set a segment's name, its query or both. None: as it is."""
        wanted = {"name": name, "query_dsl": query}
        body = {key: value for key, value in wanted.items() if value is not None}
        self._send("PATCH", f"{SEGMENTS}/{escaped(segment_id)}", body, "the repair of a segment")


def audited_sendgrid_at(url: str, api_key: str, clock: Clock) -> AuditedSendGrid:
    """Return SendGrid's API at a URL."""
    return AuditedSendGrid(VendorHttp(url, {"Authorization": f"Bearer {api_key}"}, clock), clock)


def file_of(url: str, sendgrid_url: str, clock: Clock, timeout_s: float) -> Iterator[bytes]:
    """Yield the bytes of an export's file. No key is sent.

    Args:
        url: of the file, https unless SendGrid itself is on this machine.
        sendgrid_url: where SendGrid's API is.
        clock: ours.
        timeout_s: for the whole file, with the caller's work on it.
    """
    return download(url, _MAX_FILE_BYTES, clock, allow_local=is_local(sendgrid_url), timeout_s=timeout_s)
