"""`/v3/marketing/lists`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.local.sendgrid_twin.contacts import Contact, Contacts
from tests.local.sendgrid_twin.exchange import Answer, Request, refusal
from tests.local.sendgrid_twin.import_jobs import ImportJobs
from tests.local.sendgrid_twin.situation import Situation

PATH = "/v3/marketing/lists"


@dataclass(slots=True)
class ContactList:
    """One list. Each contact stores the lists that it belongs to."""

    id: str
    name: str


class Lists:
    """The lists of the account, and their endpoints."""

    def __init__(self, situation: Situation, contacts: Contacts, jobs: ImportJobs) -> None:
        self._situation = situation
        self._contacts = contacts
        self._jobs = jobs
        self.by_id: dict[str, ContactList] = {}

    def create(self, request: Request) -> Answer:
        """POST."""
        body = request.json()
        name = body.get("name") if isinstance(body, dict) else None
        if (refused := self._refused_name(name)) is not None:
            return refused
        return Answer(201, self._as_json(self.add(str(name))))

    def add(self, name: str) -> ContactList:
        """Add a list without a request."""
        new = ContactList(self._situation.new_id(), name)
        self.by_id[new.id] = new
        return new

    def get_all(self, request: Request) -> Answer:
        """GET, paged: all pages but the last have `_metadata.next`. `count` is one too high (recorded)."""
        try:
            size = int(request.query.get("page_size", "100"))
            start = int(request.query.get("page_token") or "0")
        except ValueError:
            return refusal(400, "invalid page")
        if not 1 <= size <= 1_000:
            return refusal(400, "page_size must be between 1 and 1000", "page_size")
        lists = list(self.by_id.values())
        where = f"{self._situation.url}{PATH}?page_size={size}&page_token="
        metadata: dict[str, Any] = {"self": f"{where}{start or ''}", "count": len(lists) + 1}
        if start > 0:
            metadata["prev"] = f"{where}{max(0, start - size) or ''}"
        if start + size < len(lists):
            metadata["next"] = f"{where}{start + size}"
        page = [self._as_json(item) for item in lists[start : start + size]]
        return Answer(200, {"result": page, "_metadata": metadata})

    def get(self, request: Request, list_id: str) -> Answer:
        """GET one. The body of the 404 is a bare array, as in the OpenAPI document."""
        if (contact_list := self.by_id.get(list_id)) is None:
            return Answer(404, [{"message": "list not found", "field": "id"}])
        return Answer(200, self._as_json(contact_list))

    def rename(self, request: Request, list_id: str) -> Answer:
        """PATCH."""
        if (contact_list := self.by_id.get(list_id)) is None:
            return refusal(404, "list not found", "id")
        body = request.json()
        name = body.get("name") if isinstance(body, dict) else None
        if (refused := self._refused_name(name, besides=contact_list)) is not None:
            return refused
        contact_list.name = str(name)
        return Answer(200, self._as_json(contact_list))

    def delete(self, request: Request, list_id: str) -> Answer:
        """DELETE. `delete_contacts=true` starts a job that deletes the contacts, too."""
        if list_id not in self.by_id:
            return refusal(404, "list not found", "id")
        members = list(self._members(list_id))
        del self.by_id[list_id]
        for contact in members:
            contact.list_ids.discard(list_id)
        if request.query.get("delete_contacts") != "true":
            return Answer(204)
        job_id = self._jobs.start_other(
            "delete_contacts", members, self._contacts.remove, counts_deleted=True
        )
        return Answer(200, {"job_id": job_id})

    def remove_contacts(self, request: Request, list_id: str) -> Answer:
        """DELETE {id}/contacts. 404 if the list or any of the contacts is unknown."""
        ids = [contact_id for contact_id in request.query.get("contact_ids", "").split(",") if contact_id]
        if not ids:
            return Answer(400, {"message": "contact_ids is required", "parameter": "contact_ids"})
        contacts = [contact for contact in map(self._contacts.by_id.get, ids) if contact is not None]
        if list_id not in self.by_id or len(contacts) < len(ids):
            return refusal(404, "not found", "id")

        def leave(contact: Contact) -> None:
            contact.list_ids.discard(list_id)

        job_id = self._jobs.start_other("remove_contacts", contacts, leave, counts_deleted=False)
        return Answer(202, {"job_id": job_id})

    def count(self, request: Request, list_id: str) -> Answer:
        """GET {id}/contacts/count."""
        if list_id not in self.by_id:
            return refusal(404, "list not found", "id")
        number = sum(1 for _ in self._members(list_id))
        return Answer(200, {"contact_count": number, "billable_count": number})

    def _members(self, list_id: str) -> Iterator[Contact]:
        return (contact for contact in self._contacts if list_id in contact.list_ids)

    def _refused_name(self, name: object, besides: ContactList | None = None) -> Answer | None:
        if not isinstance(name, str) or not 1 <= len(name) <= 100:
            return refusal(400, "name must have 1 to 100 characters", "name")
        if any(item.name == name and item is not besides for item in self.by_id.values()):
            return refusal(400, "a list of this name already exists", "name")
        return None

    def _as_json(self, item: ContactList) -> dict[str, Any]:
        return {
            "id": item.id,
            "name": item.name,
            "contact_count": sum(1 for _ in self._members(item.id)),
            "_metadata": {"self": f"{self._situation.url}{PATH}/{item.id}"},
        }
