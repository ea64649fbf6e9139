"""`/v3/marketing/contacts/exports`: contact files, created asynchronously, downloaded without a key."""

import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import Any

from tests.local.sendgrid_twin.contacts import IDENTIFIERS, TEXTS, Contact, Contacts
from tests.local.sendgrid_twin.custom_fields import CustomFields
from tests.local.sendgrid_twin.exchange import Answer, Request, general_error, refusal, texts
from tests.local.sendgrid_twin.lists import Lists
from tests.local.sendgrid_twin.segments import Segments
from tests.local.sendgrid_twin.situation import Situation, iso

PATH = "/v3/marketing/contacts/exports"
_COLUMNS = (*IDENTIFIERS, *TEXTS, "alternate_emails", "id", "created_at", "updated_at")
"""No column shows the lists of a contact: none is documented."""


@dataclass(slots=True)
class Export:
    """One export.

    Attributes:
        failed: SendGrid could not make the file.
        file: The gzipped content, once ready.
        contact_count: The number of contacts in the file, once ready.
    """

    id: str
    file_type: str
    list_ids: list[str]
    segment_ids: list[str]
    created_s: float
    ready_s: float | None = None
    failed: bool = False
    file: bytes = b""
    contact_count: int = 0


class ContactExports:
    """The exports of the account, and their endpoints."""

    def __init__(
        self, situation: Situation, fields: CustomFields, contacts: Contacts, lists: Lists, segments: Segments
    ) -> None:
        self._situation = situation
        self._fields = fields
        self._contacts = contacts
        self._lists = lists
        self._segments = segments
        self.by_id: dict[str, Export] = {}

    def start(self, request: Request) -> Answer:
        """POST. Exports all contacts if the request names neither lists nor segments."""
        body = request.json() if request.body else {}
        if not isinstance(body, dict):
            return refusal(400, "invalid input")
        lists, segments = texts(body.get("list_ids") or []), texts(body.get("segment_ids") or [])
        if lists is None or segments is None:
            return refusal(400, "invalid input")
        file_type = body.get("file_type", "csv")
        if file_type not in ("csv", "json"):
            return refusal(400, "file_type must be csv or json", "file_type")
        if any(list_id not in self._lists.by_id for list_id in lists) or any(
            segment_id not in self._segments.by_id for segment_id in segments
        ):
            return general_error(404, "not found")
        export = Export(self._situation.new_id(), file_type, lists, segments, self._situation.now())
        self.by_id[export.id] = export
        due = export.created_s + self._situation.options.export_delay_s
        self._situation.later(due, lambda now: self._make(export, now))
        return Answer(
            202, {"id": export.id, "_metadata": {"self": f"{self._situation.url}{PATH}/{export.id}"}}
        )

    def get_all(self, request: Request) -> Answer:
        """GET."""
        shown = [self._as_json(export) | {"export_type": _type_of(export)} for export in self.by_id.values()]
        return Answer(200, {"result": shown, "_metadata": {"self": f"{self._situation.url}{PATH}"}})

    def status(self, request: Request, export_id: str) -> Answer:
        """GET one."""
        if (export := self.by_id.get(export_id)) is None:
            return general_error(404, "not found")
        return Answer(200, self._as_json(export) | {"contact_count": export.contact_count})

    def file(self, name: str) -> bytes | None:
        """Return a file by the name in its URL; `None` if it is unknown or has expired."""
        export = self.by_id.get(name.partition(".")[0])
        if export is None or export.ready_s is None or self._situation.now() > self._expires_s(export):
            return None
        return export.file

    def _make(self, export: Export, now: float) -> None:
        if self._situation.options.export_outcome != "ready":
            export.failed = self._situation.options.export_outcome == "failure"
            return
        # Exports evaluate segments now, not as of their last refresh (documented).
        wanted = {contact.id for each in export.segment_ids for contact in self._members(each)}
        contacts = [
            contact
            for contact in self._contacts
            if not (export.list_ids or export.segment_ids)
            or contact.list_ids.intersection(export.list_ids)
            or contact.id in wanted
        ]
        rows = [self._contacts.as_json(contact, self._segments.ids_of(contact)) for contact in contacts]
        content = (
            "".join(json.dumps(row) + "\n" for row in rows) if export.file_type == "json" else self._csv(rows)
        )
        export.file = gzip.compress(content.encode(), compresslevel=1)
        export.contact_count = len(contacts)
        export.ready_s = now

    def _members(self, segment_id: str) -> list[Contact]:
        segment = self._segments.by_id.get(segment_id)
        return [] if segment is None else list(self._segments.members(segment))

    def _csv(self, rows: list[dict[str, Any]]) -> str:
        hidden = self._situation.options.export_hidden_columns
        columns = [column for column in _COLUMNS if column not in hidden]
        names = [name for field in self._fields.by_id.values() if (name := field.name).lower() not in hidden]
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow([*(column.upper() for column in columns), *names])
        for row in rows:
            custom = row["custom_fields"]
            writer.writerow([*(row[name] for name in columns), *(custom.get(name, "") for name in names)])
        return sheet.getvalue()

    def _expires_s(self, export: Export) -> float:
        return (export.ready_s or export.created_s) + self._situation.options.export_ttl_s

    def _as_json(self, export: Export) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": export.id,
            "status": _status_of(export),
            "created_at": iso(export.created_s),
            "updated_at": iso(export.ready_s or export.created_s),
            "expires_at": iso(self._expires_s(export)),
            "_metadata": {"self": f"{self._situation.url}{PATH}/{export.id}"},
        }
        if export.ready_s is not None:
            name = f"{export.id}.{export.file_type}.gz"
            shown["urls"] = [f"{self._situation.url}/_files/exports/{name}?X-Signature=twin"]
            shown["completed_at"] = iso(export.ready_s)
        if export.failed:
            shown["message"] = "the export could not be created"
        return shown


def _status_of(export: Export) -> str:
    if export.failed:
        return "failure"
    return "pending" if export.ready_s is None else "ready"


def _type_of(export: Export) -> str:
    if export.segment_ids:
        return "segment_export"
    return "list_export" if export.list_ids else "contacts_export"
