"""Lytics' API: audiences, schema, scans, profiles, jobs and authorizations.

Every refusal is raised as one of our errors, see ``answers.document_of``. Nothing is retried here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.answers import date_ns, document_of, list_of, object_of, unreadable
from lytics_sendgrid.lytics.documents import (
    HeaderAuthorization,
    LyticsAudience,
    LyticsJob,
    LyticsPerson,
    ScanPage,
    audience_from,
    authorization_from,
    job_from,
    matching,
    person_from,
    scan_page_from,
    whole_number,
)
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.transport.client import Answer, Http, VendorHttp, escaped, json_body

PAGE_ROWS: Final = 100
"""The maximum of a scan's page (Lytics V1 OpenAPI)."""
WEBHOOK_WORKFLOW: Final = "webhook_triggers"
HEADER_AUTH_TYPE: Final = "header_param_auth"
_AUTH_PATHS: Final = ("/v2/auth/header-param-auth", "/v2/auth/header_param_auth")
_OTHER_FORM: Final = frozenset({400, 404, 405, 422})
"""Refusals after which another form of the request is tried."""


def lytics_at(url: str, token: str) -> "Lytics":
    """Return Lytics' API at a URL. The header holds the token alone, without ``Bearer``."""
    return Lytics(VendorHttp(url, {"Authorization": token}, SystemClock()))


class Lytics:
    """Lytics' API for one token."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def audiences(self) -> tuple[LyticsAudience, ...]:
        """Return every audience of people with its size, in Lytics' order."""
        what = "the list of audiences"
        query = {"table": "user", "kind": "segment", "sizes": "true"}
        found = list_of(self._get("/v2/segment", what, query), what)
        return tuple(audience for data in found if (audience := audience_from(data)) is not None)

    def audience(self, reference: str) -> LyticsAudience | None:
        """Return one audience by id or slug, or None. For names use ``find_audiences``."""
        what = "one audience"
        document = self._find(f"/api/segment/{escaped(reference)}", what)
        return None if document is None else audience_from(object_of(document, what))

    def find_audiences(self, reference: str, listed: Sequence[LyticsAudience]) -> tuple[LyticsAudience, ...]:
        """Return the audiences that an id, slug or name may mean; exactly one if it is unambiguous.

        Args:
            reference: what a person typed.
            listed: the result of ``audiences``. An audience of another kind is not in it, and is looked up.
        """
        found = matching(listed, reference)
        if found or not reference.strip():
            return found
        audience = self.audience(reference.strip())
        return () if audience is None else (audience,)

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of people in each audience. Audiences that Lytics does not count are left out."""
        what = "the audiences' sizes"
        found = list_of(self._get("/api/segment/sizes", what, {"ids": ",".join(audience_ids)}), what)
        sizes = {str(data.get("id")): whole_number(data.get("size")) for data in found}
        return {audience: size for audience, size in sizes.items() if size is not None}

    def schema_fields(self) -> dict[str, str]:
        """Return the name and type of every field of a person, such as ``{"email": "string"}``."""
        what = "the schema's fields"
        found = list_of(self._get("/v2/schema/user/field", what, {"filter": "all"}), what)
        return {str(data["id"]): str(data.get("type") or "") for data in found if data.get("id")}

    def identity_fields(self) -> frozenset[str]:
        """Return the names of the fields that identify people: those by which Lytics finds a profile."""
        what = "the schema's fields"
        found = list_of(self._get("/v2/schema/user/field", what, {"filter": "all"}), what)
        return frozenset(str(data["id"]) for data in found if data.get("is_identifier") is True)

    def scan_page(
        self, audience_id: str, start: str, fields: Sequence[str], *, splits: str = "", rows: int = PAGE_ROWS
    ) -> ScanPage:
        """Return one page of an audience's members.

        Args:
            audience_id: 32 hex digits.
            start: the cursor of the previous page; empty for the first.
            fields: Lytics fields that the rows need.
            splits: buckets of the Lytics field ``_split``, ``0,4,8``: only members in them; empty for all.
            rows: at most this many.
        """
        query = {"limit": str(rows), "fields": ",".join(fields)}
        if start:
            query["start"] = start
        if splits:
            query["splits"] = splits
        what = f"a page of audience {audience_id}"
        answer = self._http.request("GET", f"/api/segment/{escaped(audience_id)}/scan", query=query)
        return scan_page_from(document_of(answer, what), date_ns(answer), what)

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None:
        """Return the profile with an address and all its memberships, or None where Lytics has none.

        Args:
            email_field: the Lytics field with the address. It must identify people in Lytics.
            email: the address.
            fields: the Lytics fields to return; empty for all.

        Raises:
            LyticsSendGridError: see ``document_of``. No message holds the address.
        """
        query = {"segments": "true", "allsegments": "true"}
        if fields:
            query["fields"] = ",".join(fields)
        what = "a person"
        try:
            document = self._find(f"/api/entity/user/{escaped(email_field)}/{escaped(email)}", what, query)
        except LyticsSendGridError as error:
            # The path and Lytics' message may hold the address.
            raise type(error)(_without(str(error), email)) from None
        return None if document is None else person_from(document, what)

    def job(self, job_id: str) -> LyticsJob | None:
        """Return a job, or None if there is none. Killed jobs are gone."""
        what = "a job"
        document = self._find(f"/v2/job/{escaped(job_id)}", what)
        return None if document is None else job_from(object_of(document, what))

    def jobs(self, workflow: str | None = None) -> tuple[LyticsJob, ...]:
        """Return the jobs of one workflow, or of all, except completed and killed ones."""
        what = "the list of jobs"
        found = list_of(self._get("/v2/job", what, {"workflow": workflow} if workflow else None), what)
        jobs = (job for data in found if (job := job_from(data)) is not None)
        return tuple(job for job in jobs if workflow in {None, job.workflow})

    def create_webhook_job(self, document: Mapping[str, Any]) -> LyticsJob:
        """Create a webhook job. It starts at once.

        Args:
            document: ``name``, ``description``, ``auth_ids`` and ``config``.

        Raises:
            RequestRefused: Lytics refuses the job. It allows 10 new jobs an hour.
        """
        what = "the creation of the webhook job"
        body = {**document, "workflow": WEBHOOK_WORKFLOW}
        paths = ("/v2/job/webhook-triggers", "/v2/job")
        return self._job(self._send("POST", [(path, body) for path in paths], what), what)

    def update_webhook_job(self, job_id: str, document: Mapping[str, Any]) -> LyticsJob:
        """Replace a webhook job. Whatever the document leaves out is lost."""
        what = "the update of the webhook job"
        body = {**document, "workflow": WEBHOOK_WORKFLOW}
        paths = [
            f"/v2/job/{workflow}/{escaped(job_id)}" for workflow in ("webhook-triggers", WEBHOOK_WORKFLOW)
        ]
        return self._job(self._send("PUT", [(path, body) for path in paths], what), what)

    def pause_job(self, job_id: str) -> bool:
        """Pause a job. Lytics may delete a job that stays paused for 90 days.

        Returns:
            False if there is no such job.
        """
        return self._command(job_id, "pause")

    def resume_job(self, job_id: str) -> bool:
        """Resume a paused job, or return False if there is no such job."""
        return self._command(job_id, "resume")

    def restart_job(self, job_id: str) -> bool:
        """Restart a failed job, which Lytics calls to bounce it, or return False if there is no such job."""
        return self._command(job_id, "bounce")

    def delete_job(self, job_id: str) -> bool:
        """Delete a job, which Lytics calls to kill it, or return False if there is no such job."""
        return self._command(job_id, "kill")

    def header_authorizations(self) -> tuple[HeaderAuthorization, ...]:
        """Return the authorizations that are sets of headers."""
        what = "the list of authorizations"
        document = self._find("/v2/auth", what)
        found = [] if document is None else list_of(document, what)
        read = (authorization for data in found if (authorization := authorization_from(data)) is not None)
        return tuple(authorization for authorization in read if authorization.type == HEADER_AUTH_TYPE)

    def create_header_authorization(self, label: str, headers: Mapping[str, str]) -> HeaderAuthorization:
        """Create an authorization: a set of headers that a webhook job sends."""
        what = "the creation of the header authorization"
        forms = _headers_documents(label, headers)
        document = self._send("POST", [(path, form) for form in forms for path in _AUTH_PATHS], what)
        return self._authorization(document, what)

    def update_header_authorization(
        self, authorization_id: str, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization:
        """Replace an authorization's set of headers."""
        what = "the update of the header authorization"
        forms = _headers_documents(label, headers)
        paths = [f"{path}/{escaped(authorization_id)}" for path in _AUTH_PATHS]
        document = self._send("PUT", [(path, form) for form in forms for path in paths], what)
        return self._authorization(document, what)

    def delete_header_authorization(self, authorization_id: str) -> bool:
        """Delete a set of headers, or return False if it does not exist.

        Returns:
            False also if Lytics offers no such call: its documents name it, but show no example.
        """
        what = "the deletion of the header authorization"
        for path in (*_AUTH_PATHS, "/v2/auth"):
            answer = self._http.request("DELETE", f"{path}/{escaped(authorization_id)}")
            if answer.status not in _OTHER_FORM:
                if not 200 <= answer.status < 300:
                    document_of(answer, what, writes=True)
                return True
        return False

    def _command(self, job_id: str, command: str) -> bool:
        what = f"the command to {command} a job"
        answer = self._http.request("POST", f"/v2/job/{escaped(job_id)}/{command}")
        if answer.status == 404 and isinstance(answer.json(), dict):
            return False
        document_of(answer, what, writes=True)
        return True

    def _get(self, path: str, what: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        return document_of(self._http.request("GET", path, query=query), what)

    def _find(self, path: str, what: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        answer = self._http.request("GET", path, query=query)
        if answer.status != 404:
            return document_of(answer, what)
        if not isinstance(answer.json(), dict):
            raise unreadable(what, "a 404 that is not Lytics' own: check the parameter LyticsUrl")
        return None

    def _send(
        self, method: str, alternatives: Sequence[tuple[str, Mapping[str, Any]]], what: str
    ) -> Mapping[str, Any]:
        """Send a request in the first form that Lytics accepts. If it accepts none, the first refusal counts.

        Lytics' documents disagree on how a path spells the workflow and the authorization's type, and on the
        wrapping of its headers. A refused form has changed nothing.
        """
        refusals: list[Answer] = []
        for path, body in alternatives:
            answer = self._http.request(method, path, body=json_body(body))
            if answer.status not in _OTHER_FORM:
                break
            refusals.append(answer)
        else:
            answer = refusals[0]
        return document_of(answer, what, writes=True)

    def _job(self, document: Mapping[str, Any], what: str) -> LyticsJob:
        job = job_from(object_of(document, what, writes=True))
        if job is None:
            raise unreadable(what, "a job without an id", writes=True)
        return job

    def _authorization(self, document: Mapping[str, Any], what: str) -> HeaderAuthorization:
        authorization = authorization_from(object_of(document, what, writes=True))
        if authorization is None:
            raise unreadable(what, "an authorization without an id", writes=True)
        return authorization


def _headers_documents(label: str, headers: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """Return a set of headers in both forms that Lytics' documents may mean."""
    lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
    config = {"webhook_request_headers": lines, "webhook_request_params": ""}
    head = {"label": label, "type": HEADER_AUTH_TYPE}
    return {**head, "config": config}, {**head, "name": label, **config}


def _without(text: str, email: str) -> str:
    for form in (email, escaped(email)):
        text = text.replace(form, "…")
    return text
