"""`/v3/marketing/segments/2.0`: segments with real query evaluation and delayed counts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.local.sendgrid_twin.columns import columns_of
from tests.local.sendgrid_twin.contacts import Contact, Contacts
from tests.local.sendgrid_twin.custom_fields import CustomFields
from tests.local.sendgrid_twin.exchange import Answer, Request, general_error, refusal, texts
from tests.local.sendgrid_twin.lists import Lists
from tests.local.sendgrid_twin.query import Predicate, compile_query
from tests.local.sendgrid_twin.situation import Situation, iso
from tests.local.sendgrid_twin.terms import InvalidQueryError

PATH = "/v3/marketing/segments/2.0"
TOO_SOON = "Update request came too soon, please wait 5 minutes before trying again"


@dataclass(slots=True)
class Segment:
    """One segment.

    Attributes:
        validated: Whether the query has been validated yet.
        members: The ids of the contacts at the last refresh.
        refreshes_s: The times of manual refreshes (epoch).
    """

    id: str
    name: str
    query: str
    parent_list_ids: list[str]
    created_s: float
    updated_s: float
    next_refresh_s: float
    validated: bool = False
    members: frozenset[str] = frozenset()
    refreshed_s: float | None = None
    refreshes_s: list[float] = field(default_factory=list)


class Segments:
    """The segments of the account, and their endpoints."""

    def __init__(self, situation: Situation, fields: CustomFields, contacts: Contacts, lists: Lists) -> None:
        self._situation = situation
        self._fields = fields
        self._contacts = contacts
        self._lists = lists
        self.by_id: dict[str, Segment] = {}

    def create(self, request: Request) -> Answer:
        """POST. Accepts an invalid query; the segment reports INVALID later."""
        body = request.json()
        if not isinstance(body, dict):
            return refusal(400, "invalid input", "")
        name, query, parents = (
            body.get("name"),
            body.get("query_dsl"),
            texts(body.get("parent_list_ids") or []),
        )
        if (refused := self._refused_name(name)) is not None:
            return refused
        if not isinstance(query, str) or not query:
            return refusal(400, "query_dsl is required", "query_dsl")
        if parents is None or len(parents) > 1:
            return refusal(400, "only one parent list id is supported", "parent_list_ids")
        if any(list_id not in self._lists.by_id for list_id in parents):
            return general_error(404, "list not found")
        if len(self.by_id) >= self._situation.options.max_segments:
            return refusal(400, "the maximum number of segments has been reached", "")
        now = self._situation.now()
        due = now + self._situation.options.segment_refresh_s
        new = Segment(self._situation.new_id(), str(name), query, parents, now, now, due)
        self.by_id[new.id] = new
        self._validate_later(new)
        return Answer(201, self.as_json(new))

    def get_all(self, request: Request) -> Answer:
        """GET. Returns all segments on one page, without their queries."""
        ids = [segment_id for segment_id in request.query.get("ids", "").split(",") if segment_id]
        parents = {list_id for list_id in request.query.get("parent_list_ids", "").split(",") if list_id}
        orphans = request.query.get("no_parent_list_id") == "true"
        segments = [
            segment
            for segment in self.by_id.values()
            if (segment.id in ids if ids else not parents and not orphans)
            or (not ids and parents & set(segment.parent_list_ids))
            or (not ids and orphans and not segment.parent_list_ids)
        ]
        hidden = {"query_dsl", "contacts_sample", "identifier_counts", "refreshes_used", "max_refreshes"}
        results = [
            {name: value for name, value in self.as_json(segment).items() if name not in hidden}
            for segment in segments
        ]
        return Answer(200, {"results": results})

    def get(self, request: Request, segment_id: str) -> Answer:
        """GET one, with its query."""
        if (segment := self.by_id.get(segment_id)) is None:
            return general_error(404, "segment not found")
        sample = [
            self._contacts.by_id[contact_id]
            for contact_id in sorted(segment.members)
            if contact_id in self._contacts.by_id
        ]
        samples = [self._contacts.as_json(contact, self.ids_of(contact)) for contact in sample[:50]]
        wanted = request.query.get("contacts_sample") == "true"
        extra: dict[str, Any] = {
            "contacts_sample": samples if wanted else [],
            "refreshes_used": self._used(segment),
            "max_refreshes": 2,
        }
        if segment.refreshes_s:
            extra["last_refreshed_at"] = iso(segment.refreshes_s[-1])
        return Answer(200, self.as_json(segment) | extra)

    def update(self, request: Request, segment_id: str) -> Answer:
        """PATCH. Changes name and query, but not within five minutes of the last change."""
        if (segment := self.by_id.get(segment_id)) is None:
            return general_error(404, "segment not found")
        body = request.json()
        if not isinstance(body, dict):
            return refusal(400, "invalid input", "")
        if "name" in body and (refused := self._refused_name(body["name"], besides=segment)) is not None:
            return refused
        query = body.get("query_dsl", segment.query)
        if not isinstance(query, str) or not query:
            return refusal(400, "query_dsl cannot be empty", "query_dsl")
        now = self._situation.now()
        if now < segment.updated_s + self._situation.options.segment_patch_wait_s:
            return refusal(429, TOO_SOON, "")
        segment.name = body.get("name", segment.name)
        if query != segment.query:
            segment.query, segment.updated_s, segment.validated = query, now, False
            self._validate_later(segment)
        return Answer(200, self.as_json(segment))

    def delete(self, request: Request, segment_id: str) -> Answer:
        """DELETE. The contacts stay."""
        if self.by_id.pop(segment_id, None) is None:
            return general_error(404, "segment not found")
        return Answer(202)

    def refresh_by_hand(self, request: Request, segment_id: str) -> Answer:
        """POST refresh/{id}. At most twice a day and once an hour per segment, ten times a day in total."""
        if (segment := self.by_id.get(segment_id)) is None:
            return Answer(404, {"error": "Segment does not exist."})
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("user_time_zone"), str):
            return refusal(400, "user_time_zone is required", "user_time_zone")
        now = self._situation.now()
        total = sum(self._used(other) for other in self.by_id.values())
        if (
            self._used(segment) >= 2
            or total >= 10
            or any(now - refresh_s < 3_600 for refresh_s in segment.refreshes_s)
        ):
            return general_error(429, "too many requests")
        segment.refreshes_s.append(now)
        self.refresh(segment)
        return Answer(202, {"job_id": self._situation.new_id()})

    def refresh(self, segment: Segment) -> None:
        """Refresh the count and the members of a segment."""
        now = self._situation.now()
        segment.members = frozenset(contact.id for contact in self.members(segment))
        segment.refreshed_s = now
        segment.next_refresh_s = now + self._situation.options.segment_refresh_s

    def refresh_due(self) -> None:
        """Refresh every segment whose refresh is due."""
        for segment in self.by_id.values():
            if self._situation.now() >= segment.next_refresh_s:
                self.refresh(segment)

    def members(self, segment: Segment) -> Iterator[Contact]:
        """Evaluate a segment now, as a Single Send and an export do; empty if its query is invalid."""
        try:
            matches = self._compiled(segment)
        except InvalidQueryError:
            return
        parents = set(segment.parent_list_ids)
        for contact in self._contacts:
            if matches(contact) and (not parents or parents & contact.list_ids):
                yield contact

    def ids_of(self, contact: Contact) -> list[str]:
        """Return the ids of a contact's segments, as of each segment's last refresh."""
        return [segment.id for segment in self.by_id.values() if contact.id in segment.members]

    def as_json(self, segment: Segment) -> dict[str, Any]:
        """Return a segment as the create endpoint does. Times not known yet are null (recorded)."""
        return {
            "id": segment.id,
            "name": segment.name,
            "query_dsl": segment.query,
            "query_version": "2",
            "contacts_count": len(segment.members),
            "contacts_sample": [],
            "sample_updated_at": None if segment.refreshed_s is None else iso(segment.refreshed_s),
            "next_sample_update": iso(segment.next_refresh_s),
            "created_at": iso(segment.created_s),
            "updated_at": iso(segment.updated_s),
            "parent_list_ids": segment.parent_list_ids or None,
            "status": self._status(segment),
        }

    def _status(self, segment: Segment) -> dict[str, str]:
        if not segment.validated:
            return {"query_validation": "PENDING"}
        try:
            self._compiled(segment)
        except InvalidQueryError as error:
            return {"query_validation": "INVALID", "error_message": str(error)}
        return {"query_validation": "VALID"}

    def _compiled(self, segment: Segment) -> Predicate:
        # Compiled each time: renaming or deleting a field makes the query invalid.
        return compile_query(segment.query, columns_of(self._fields), self._situation.now())

    def _validate_later(self, segment: Segment) -> None:
        delay_s = self._situation.options.segment_validation_s
        if delay_s <= 0:
            segment.validated = True
            return
        due = self._situation.now() + delay_s
        self._situation.later(due, lambda _now: setattr(segment, "validated", True))

    def _used(self, segment: Segment) -> int:
        return sum(self._situation.now() - refresh_s < 86_400 for refresh_s in segment.refreshes_s)

    def _refused_name(self, name: object, besides: Segment | None = None) -> Answer | None:
        if not isinstance(name, str) or not 1 <= len(name) <= 100:
            return refusal(400, "name must have 1 to 100 characters", "name")
        if any(
            segment.name.lower() == name.lower() and segment is not besides for segment in self.by_id.values()
        ):
            return refusal(400, "a segment of this name already exists", "name")
        return None
