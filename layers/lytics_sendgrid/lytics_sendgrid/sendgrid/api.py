"""SendGrid's API, except the upsert of contacts: scopes, fields, lists, segments, Single Sends, look-ups.

A 429 is retried here, within a time budget. Any other refusal is raised as one of our errors, see
``documents.document_of``.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import ServiceUnavailable, Throttled
from lytics_sendgrid.sendgrid.documents import (
    SEARCH,
    contacts_found,
    document_of,
    field_from,
    list_from,
    objects_under,
    page_token,
    read_all,
    read_one,
    segment_from,
    single_send_from,
    unreadable,
)
from lytics_sendgrid.sendgrid.resources import (
    ContactList,
    ContactSearch,
    CustomField,
    Segment,
    SendGridContact,
    SingleSend,
    is_contact_id,
)
from lytics_sendgrid.sendgrid.upsert_answer import busy_until
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.transport.client import Answer, Http, VendorHttp, escaped, json_body

FIELDS: Final = "/v3/marketing/field_definitions"
LISTS: Final = "/v3/marketing/lists"
SEGMENTS: Final = "/v3/marketing/segments/2.0"
SINGLE_SENDS: Final = "/v3/marketing/singlesends"
CONTACTS: Final = "/v3/marketing/contacts"
DELETED_IDS: Final = 100
"""Ids in one request. SendGrid documents no limit; a URL of 100 ids has 4 KB."""
SEARCH_EMAILS: Final = 100
"""Addresses in one search (OpenAPI mc_contacts, 2026-01-22)."""
_PAGE_LISTS: Final = 1_000
_PAGE_SINGLE_SENDS: Final = 100
_MAX_PAGES: Final = 1_000
_MAX_WAIT_S: Final = 45.0
"""Wait this long for all rate limits together. The callers' own timeouts are some minutes."""
_DEFAULT_WAIT_S: Final = 2.0
"""If SendGrid does not say when its rate limit resets."""


def sendgrid_at(url: str, api_key: str) -> "SendGrid":
    """Return SendGrid's API at a URL."""
    clock = SystemClock()
    return SendGrid(VendorHttp(url, {"Authorization": f"Bearer {api_key}"}, clock), clock)


class SendGrid:
    """SendGrid's API for one key.

    Every method raises:
        KeyRefused: 401; or 403: the key lacks a permission.
        Throttled: 429, and this object's time budget for rate limits is used up.
        ServiceUnavailable: 5xx, 408, or a success of undocumented form: a proxy's page, a truncated body.
        AnswerLost: no readable answer to a write, so it may have worked.
        RequestRefused: any other status, with SendGrid's message.
    """

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._wait_left_s = _MAX_WAIT_S

    def scopes(self) -> frozenset[str]:
        """Return the key's permissions.

        They can prove that reading is forbidden, but not that writing is allowed.
        """
        what = "which permissions the API key has"
        scopes = self._get("/v3/scopes", what).get("scopes")
        if not isinstance(scopes, list):
            raise unreadable(what)
        return frozenset(scope for scope in scopes if isinstance(scope, str))

    def fields(self) -> tuple[CustomField, ...]:
        """Return the custom fields, without the reserved ones."""
        what = "the list of custom fields"
        document = self._get(FIELDS, what)
        # An account without custom fields may omit the key. An answer with neither key is not SendGrid's.
        if "custom_fields" not in document and "reserved_fields" in document:
            return ()
        return read_all(objects_under(document, "custom_fields"), field_from, what)

    def create_field(self, name: str, field_type: str) -> CustomField:
        """Create a custom field. It becomes usable some seconds later."""
        what = f"the creation of custom field '{name}'"
        return read_one(
            self._send("POST", FIELDS, {"name": name, "field_type": field_type}, what), field_from, what
        )

    def rename_field(self, field_id: str, name: str) -> None:
        """Rename a custom field.

        With its current name this changes nothing, and proves that the key may write.
        """
        self._send("PATCH", f"{FIELDS}/{escaped(field_id)}", {"name": name}, f"custom field '{name}'")

    def lists(self) -> tuple[ContactList, ...]:
        """Return every list."""
        what = "the list of contact lists"
        found = {
            contact_list.id: contact_list
            for page in self._pages(LISTS, _PAGE_LISTS, what)
            for contact_list in read_all(objects_under(page, "result"), list_from, what)
        }
        return tuple(found.values())

    def segments(self) -> tuple[Segment, ...]:
        """Return every segment, without its query."""
        what = "the list of segments"
        return read_all(objects_under(self._get(SEGMENTS, what), "results"), segment_from, what)

    def segment(self, segment_id: str) -> Segment:
        """Return one segment with its query."""
        what = f"segment {segment_id}"
        return read_one(
            self._get(f"{SEGMENTS}/{escaped(segment_id)}", what), segment_from, what, writes=False
        )

    def find_segment(self, segment_id: str) -> Segment | None:
        """Return one segment with its query, or None if it does not exist."""
        what = f"segment {segment_id}"
        answer = self._answer("GET", f"{SEGMENTS}/{escaped(segment_id)}")
        if answer.status == 404 and isinstance(answer.json(), dict):
            return None
        return read_one(document_of(answer, what), segment_from, what, writes=False)

    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment:
        """Create a segment."""
        body: dict[str, Any] = {"name": name, "query_dsl": query}
        if list_id is not None:
            body["parent_list_ids"] = [list_id]
        what = f"the creation of segment '{name}'"
        return read_one(self._send("POST", SEGMENTS, body, what), segment_from, what)

    def set_segment_query(self, segment_id: str, query: str) -> None:
        """Set a segment's query."""
        self._send("PATCH", f"{SEGMENTS}/{escaped(segment_id)}", {"query_dsl": query}, "a segment's query")

    def rename_segment(self, segment_id: str, name: str) -> None:
        """Set a segment's name."""
        subject = f"the renaming of segment '{name}'"
        self._send("PATCH", f"{SEGMENTS}/{escaped(segment_id)}", {"name": name}, subject)

    def delete_segment(self, segment_id: str) -> bool:
        """Delete a segment. Its contacts stay.

        Returns:
            False if it did not exist: an earlier attempt may have deleted it.
        """
        answer = self._answer("DELETE", f"{SEGMENTS}/{escaped(segment_id)}")
        if answer.status != 404 and not 200 <= answer.status < 300:
            document_of(answer, f"the deletion of segment {segment_id}", writes=True)
        return answer.status != 404

    def scheduled_single_sends(self) -> tuple[SingleSend, ...]:
        """Return the Single Sends that are to be sent later, with the segments that they go to.

        The list does not show the segments, so each of them is read. A status that is not documented counts
        as scheduled.
        """
        what = "the list of Single Sends"
        ids = {
            send.id: None
            for page in self._pages(SINGLE_SENDS, _PAGE_SINGLE_SENDS, what)
            for send in read_all(objects_under(page, "result"), single_send_from, what)
            if send.is_pending
        }
        sends = []
        for send_id in ids:
            one = f"Single Send {send_id}"
            answer = self._answer("GET", f"{SINGLE_SENDS}/{escaped(send_id)}")
            if answer.status != 404:  # Somebody has just deleted it.
                sends.append(read_one(document_of(answer, one), single_send_from, one, writes=False))
        return tuple(send for send in sends if send.is_pending)

    def contacts(self, emails: Sequence[str]) -> ContactSearch:
        """Look up contacts by their addresses, 100 a request.

        SendGrid refuses a whole search for one invalid address. Halving the search finds it.

        Raises:
            ServiceUnavailable: as every method, and if the answer does not cover every address.
        """
        found: dict[str, SendGridContact] = {}
        refused: set[str] = set()
        pending = [list(emails[i : i + SEARCH_EMAILS]) for i in range(0, len(emails), SEARCH_EMAILS)]
        while pending:
            searched = pending.pop()
            answer = self._answer("POST", f"{CONTACTS}/search/emails", json_body({"emails": searched}))
            if answer.status in (400, 404) and not isinstance(answer.json(), dict):
                raise unreadable(SEARCH)
            if answer.status == 400 and len(searched) > 1:
                pending += [searched[: len(searched) // 2], searched[len(searched) // 2 :]]
            elif answer.status == 400:
                refused.update(searched)
            elif answer.status != 404:
                found |= contacts_found(answer, searched)
        return ContactSearch(found, frozenset(refused))

    def delete_contacts(self, ids: Sequence[str]) -> None:
        """Start to delete contacts by their ids, 100 a request. An unknown id is skipped.

        SendGrid processes the deletion later: look the contacts up again. Its parameter that deletes all
        contacts of the account cannot be sent: the query has ids and nothing else.

        Raises:
            ServiceUnavailable: as every method, and if an id is none; then nothing is deleted.
        """
        what = "the deletion of contacts"
        if not all(map(is_contact_id, ids)):
            raise unreadable(SEARCH)
        for batch in itertools.batched(ids, DELETED_IDS):
            answer = self._answer("DELETE", CONTACTS, query={"ids": ",".join(batch)})
            if answer.status != 404:
                document_of(answer, what, writes=True)

    def contacts_count(self) -> int:
        """Return how many contacts the account has."""
        what = "the number of contacts"
        count = self._get(f"{CONTACTS}/count", what).get("contact_count")
        if not isinstance(count, int) or isinstance(count, bool):
            raise unreadable(what)
        return count

    def _pages(self, path: str, size: int, what: str) -> Iterator[Mapping[str, Any]]:
        """Yield the pages of a list.

        Of the next page's URL only the token is used, so the key never goes to a host other than SendGrid's.
        """
        query = {"page_size": str(size)}
        for _ in range(_MAX_PAGES):
            document = self._get(path, what, query)
            yield document
            metadata = document.get("_metadata")
            token = page_token(metadata.get("next") if isinstance(metadata, dict) else None, what)
            if token is None:
                return
            if token == query.get("page_token"):
                raise ServiceUnavailable(f"SendGrid repeats a page of {what}")
            query = {"page_size": str(size), "page_token": token}
        raise ServiceUnavailable(f"SendGrid's pages of {what} do not end")

    def _get(self, path: str, what: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        return document_of(self._answer("GET", path, query=query), what)

    def _send(self, method: str, path: str, body: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        return document_of(self._answer(method, path, json_body(body)), what, writes=True)

    def _answer(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        while True:
            answer = self._http.request(method, path, body=body, query=query)
            if answer.status != 429:
                return answer
            until_s = busy_until(answer.headers, self._clock.now())
            wait_s = _DEFAULT_WAIT_S if until_s is None else max(0.5, until_s - self._clock.now())
            if wait_s > self._wait_left_s:
                raise Throttled(f"SendGrid's rate limit resets only in {wait_s:.0f} s", wait_s)
            self._wait_left_s -= wait_s
            self._clock.sleep(wait_s)
