"""The endpoints that read or delete contacts."""

from typing import Any

from tests.local.sendgrid_twin.columns import columns_of
from tests.local.sendgrid_twin.contacts import IDENTIFIERS, Contact, Contacts
from tests.local.sendgrid_twin.custom_fields import CustomFields
from tests.local.sendgrid_twin.exchange import Answer, Request, general_error, refusal, texts
from tests.local.sendgrid_twin.import_jobs import ImportJobs
from tests.local.sendgrid_twin.query import compile_condition
from tests.local.sendgrid_twin.segments import Segments
from tests.local.sendgrid_twin.situation import Situation
from tests.local.sendgrid_twin.terms import InvalidQueryError
from tests.local.sendgrid_twin.upsert import is_email

PATH = "/v3/marketing/contacts"
_MAX_VALUES = 100
_SAMPLE_SIZE = 50


class Search:
    """Looks up and deletes contacts."""

    def __init__(
        self,
        situation: Situation,
        fields: CustomFields,
        contacts: Contacts,
        segments: Segments,
        jobs: ImportJobs,
    ) -> None:
        self._situation = situation
        self._fields = fields
        self._contacts = contacts
        self._segments = segments
        self._jobs = jobs

    def by_email(self, request: Request) -> Answer:
        """POST search/emails."""
        body = request.json()
        emails = texts(body.get("emails")) if isinstance(body, dict) else None
        if emails is None:
            return refusal(400, "emails is required", "emails")
        emails = [email.lower() for email in emails if email]
        if len(emails) > _MAX_VALUES or any(not is_email(email) or len(email) > 100 for email in emails):
            return refusal(400, "invalid email addresses", "emails")
        result = self._found("email", emails)
        if not any("contact" in entry for entry in result.values()):
            return general_error(404, "contacts not found")
        return Answer(200, {"result": result})

    def by_identifier(self, request: Request, identifier: str) -> Answer:
        """POST search/identifiers/{identifier_type}. Errors are bare objects, as in the OpenAPI document."""
        body = request.json()
        values = texts(body.get("identifiers")) if isinstance(body, dict) else None
        if identifier not in IDENTIFIERS:
            return Answer(400, {"message": "invalid identifier type", "parameter": "identifier_type"})
        if values is None:
            return Answer(400, {"message": "identifiers is required", "field": "identifiers"})
        if identifier == "email":
            values = [value.lower() for value in values if value]
        if len(values) > _MAX_VALUES or (identifier == "email" and not all(map(is_email, values))):
            return Answer(400, {"message": "invalid identifiers", "field": "identifiers"})
        result = self._found(identifier, values)
        if not any("contact" in entry for entry in result.values()):
            return Answer(404, {"message": "contacts not found"})
        return Answer(200, {"result": result})

    def by_query(self, request: Request) -> Answer:
        """POST search. Returns the first 50 matches and the total."""
        body = request.json()
        query = body.get("query") if isinstance(body, dict) else None
        if not isinstance(query, str):
            return refusal(400, "query is required", "query")
        try:
            matches = compile_condition(query, columns_of(self._fields), self._situation.now())
        except InvalidQueryError as error:
            return refusal(400, str(error), "query")
        contacts = [contact for contact in self._contacts if matches(contact)]
        return self._sample(contacts, f"{PATH}/search")

    def by_ids(self, request: Request) -> Answer:
        """POST batch."""
        body = request.json()
        ids = texts(body.get("ids")) if isinstance(body, dict) else None
        if ids is None or len(ids) > _MAX_VALUES:
            return refusal(400, "at most 100 ids are required", "ids")
        contacts = [contact for contact in map(self._contacts.by_id.get, ids) if contact is not None]
        if not contacts:
            return general_error(404, "not found")
        return Answer(200, {"result": [self.as_json(contact) for contact in contacts]})

    def by_id(self, request: Request, contact_id: str) -> Answer:
        """GET one by id."""
        if (contact := self._contacts.by_id.get(contact_id)) is None:
            return general_error(404, "not found")
        return Answer(200, self.as_json(contact))

    def latest(self, request: Request) -> Answer:
        """GET. Returns the 50 contacts changed last, sorted by e-mail."""
        return self._sample(sorted(self._contacts, key=lambda contact: contact.updated_s, reverse=True), PATH)

    def count(self, request: Request) -> Answer:
        """GET count."""
        number = len(self._contacts)
        kinds = {"email": "EID", "phone_number_id": "PHNID", "external_id": "EXTID", "anonymous_id": "AID"}
        counts = {
            short: sum(kind in contact.identifiers for contact in self._contacts)
            for kind, short in kinds.items()
        }
        return Answer(200, {"contact_count": number, "billable_count": number, "identifier_counts": counts})

    def delete(self, request: Request) -> Answer:
        """DELETE, by ids or all."""
        if request.query.get("delete_all_contacts") == "true":
            doomed = list(self._contacts)
        else:
            ids = [contact_id for contact_id in request.query.get("ids", "").split(",") if contact_id]
            if not ids:
                return refusal(400, "ids or delete_all_contacts is required", "ids")
            doomed = [contact for contact in map(self._contacts.by_id.get, ids) if contact is not None]
        job_id = self._jobs.start_other("delete_contacts", doomed, self._contacts.remove, counts_deleted=True)
        return Answer(202, {"job_id": job_id})

    def as_json(self, contact: Contact) -> dict[str, Any]:
        """Return a contact with its segments as of their last refresh."""
        return self._contacts.as_json(contact, self._segments.ids_of(contact))

    def _found(self, identifier: str, values: list[str]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for value in values:
            contact = self._contacts.find(identifier, value)
            result[value] = (
                {"error": "contact not found"} if contact is None else {"contact": self.as_json(contact)}
            )
        return result

    def _sample(self, contacts: list[Contact], path: str) -> Answer:
        first = sorted(contacts[:_SAMPLE_SIZE], key=lambda contact: contact.email)
        return Answer(
            200,
            {
                "contact_count": len(contacts),
                "result": [self.as_json(contact) for contact in first],
                "_metadata": {"self": f"{self._situation.url}{path}"},
            },
        )
