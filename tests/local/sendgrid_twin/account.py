"""One SendGrid account: its resources, its API keys and its endpoints."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.local.sendgrid_twin import (
    contact_exports,
    custom_fields,
    lists,
    search,
    segments,
    single_sends,
)
from tests.local.sendgrid_twin.contact_exports import ContactExports
from tests.local.sendgrid_twin.contacts import Contacts
from tests.local.sendgrid_twin.custom_fields import CustomFields
from tests.local.sendgrid_twin.exchange import Answer, NotJsonError, Request, general_error, refusal
from tests.local.sendgrid_twin.import_jobs import ImportJobs
from tests.local.sendgrid_twin.lists import Lists
from tests.local.sendgrid_twin.options import Capability, Fault
from tests.local.sendgrid_twin.search import Search
from tests.local.sendgrid_twin.segments import Segments
from tests.local.sendgrid_twin.single_sends import SingleSends
from tests.local.sendgrid_twin.situation import Situation
from tests.local.sendgrid_twin.upsert import read_upsert

type Handler = Callable[..., Answer]

_SCOPES: Mapping[Capability, list[str]] = {
    Capability.FULL: ["marketing.read", "user.profile.read", "sender_verification_eligible"],
    Capability.READ_ONLY: ["marketing.read", "sender_verification_eligible"],
    Capability.NO_MARKETING: ["mail.send", "sender_verification_eligible"],
}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        reads: Whether the endpoint only reads, so that a read-only key may call it.
    """

    method: str
    template: str
    handler: Handler
    pattern: re.Pattern[str]
    reads: bool

    @property
    def endpoint(self) -> str:
        """`METHOD /path/{template}`."""
        return f"{self.method} {self.template}"


class Account:
    """The state of one account. Not thread-safe: the twin holds its lock around every call."""

    def __init__(self, situation: Situation, keys: Mapping[str, Capability]) -> None:
        self.situation = situation
        self.keys = dict(keys)
        self.fields = CustomFields(situation)
        self.contacts = Contacts(situation, self.fields)
        self.jobs = ImportJobs(situation, self.contacts)
        self.lists = Lists(situation, self.contacts, self.jobs)
        self.segments = Segments(situation, self.fields, self.contacts, self.lists)
        self.single_sends = SingleSends(situation)
        self.search = Search(situation, self.fields, self.contacts, self.segments, self.jobs)
        self.exports = ContactExports(situation, self.fields, self.contacts, self.lists, self.segments)
        self._routes = self._all_routes()
        self._job_fault: Fault | None = None

    def route(self, method: str, path: str) -> tuple[Route, list[str]] | None:
        """Return the endpoint of a request and its path parameters; `None` if there is no such endpoint."""
        for route in self._routes:
            if route.method == method and (match := route.pattern.fullmatch(path)):
                return route, [unquote(value) for value in match.groups()]
        return None

    def refused_key(self, request: Request, route: Route) -> Answer | None:
        """Return 401 for an unknown key, 403 for a key without permission, `None` for a valid key."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        capability = self.keys.get(key) if scheme.lower() == "bearer" else None
        if capability is None:
            return general_error(401, "authorization required")
        if not route.template.startswith("/v3/marketing/"):
            return None
        if capability is Capability.FULL or (capability is Capability.READ_ONLY and route.reads):
            return None
        return general_error(403, "access forbidden")

    def answer(self, request: Request, route: Route, values: list[str], job_fault: Fault | None) -> Answer:
        """Handle a request with its endpoint."""
        self._job_fault = job_fault
        try:
            return route.handler(request, *values)
        except NotJsonError:
            return refusal(400, "invalid JSON", "")

    def _scopes(self, request: Request) -> Answer:
        key = request.headers["authorization"].partition(" ")[2]
        return Answer(200, {"scopes": _SCOPES[self.keys[key]]})

    def _upsert(self, request: Request) -> Answer:
        upsert = read_upsert(request, self.fields, self.lists.by_id, self.situation.options)
        return upsert if isinstance(upsert, Answer) else self.jobs.start_upsert(upsert, self._job_fault)

    def _delete_field(self, request: Request, field_id: str) -> Answer:
        if self.fields.by_id.pop(field_id, None) is None:
            return refusal(404, "custom field not found", "id")
        self.contacts.forget_field(field_id)
        return Answer(204)

    def _all_routes(self) -> list[Route]:
        contact, field, segment = search.PATH, custom_fields.PATH, segments.PATH
        some_list, export, read = lists.PATH, contact_exports.PATH, self.search
        table: list[tuple[str, str, Handler, bool]] = [
            ("PUT", contact, self._upsert, False),
            ("GET", contact, read.latest, True),
            ("DELETE", contact, read.delete, False),
            ("POST", f"{contact}/search", read.by_query, True),
            ("POST", f"{contact}/search/emails", read.by_email, True),
            ("POST", f"{contact}/search/identifiers/{{identifier_type}}", read.by_identifier, True),
            ("POST", f"{contact}/batch", read.by_ids, True),
            ("GET", f"{contact}/count", read.count, True),
            ("GET", f"{contact}/imports/{{id}}", self.jobs.status, True),
            ("POST", export, self.exports.start, True),
            ("GET", export, self.exports.get_all, True),
            ("GET", f"{export}/{{id}}", self.exports.status, True),
            ("GET", f"{contact}/{{id}}", read.by_id, True),
            ("POST", field, self.fields.create, False),
            ("GET", field, self.fields.get_all, True),
            ("PATCH", f"{field}/{{custom_field_id}}", self.fields.rename, False),
            ("DELETE", f"{field}/{{custom_field_id}}", self._delete_field, False),
            ("POST", some_list, self.lists.create, False),
            ("GET", some_list, self.lists.get_all, True),
            ("GET", f"{some_list}/{{id}}", self.lists.get, True),
            ("PATCH", f"{some_list}/{{id}}", self.lists.rename, False),
            ("DELETE", f"{some_list}/{{id}}", self.lists.delete, False),
            ("DELETE", f"{some_list}/{{id}}/contacts", self.lists.remove_contacts, False),
            ("GET", f"{some_list}/{{id}}/contacts/count", self.lists.count, True),
            ("POST", segment, self.segments.create, False),
            ("GET", segment, self.segments.get_all, True),
            ("POST", f"{segment}/refresh/{{segment_id}}", self.segments.refresh_by_hand, False),
            ("GET", f"{segment}/{{segment_id}}", self.segments.get, True),
            ("PATCH", f"{segment}/{{segment_id}}", self.segments.update, False),
            ("DELETE", f"{segment}/{{segment_id}}", self.segments.delete, False),
            ("GET", single_sends.PATH, self.single_sends.get_all, True),
            ("GET", f"{single_sends.PATH}/{{id}}", self.single_sends.get, True),
            ("GET", "/v3/scopes", self._scopes, True),
        ]
        return [
            Route(method, template, handler, _pattern(template), reads)
            for method, template, handler, reads in table
        ]

    def names(self) -> dict[str, list[str]]:
        """Return the names of the account's fields, lists and segments, sorted."""
        return {
            "custom_fields": sorted(field.name for field in self.fields.by_id.values()),
            "lists": sorted(one.name for one in self.lists.by_id.values()),
            "segments": sorted(segment.name for segment in self.segments.by_id.values()),
        }

    def counts(self) -> dict[str, Any]:
        """Count the account's contacts, fields, lists, segments, jobs and rows."""
        statuses = [job.status for job in self.jobs.by_id.values()]
        return {
            "contacts": len(self.contacts),
            "custom_fields": len(self.fields.by_id),
            "lists": len(self.lists.by_id),
            "segments": len(self.segments.by_id),
            "jobs": {
                status: statuses.count(status) for status in ("pending", "completed", "errored", "failed")
            },
            "rows_accepted": self.jobs.rows_accepted,
            "rows_applied": self.jobs.rows_applied,
            "under_way": self.situation.under_way(),
        }


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[a-z_]+\}", template)
    return re.compile("([^/]+)".join(map(re.escape, parts)))
