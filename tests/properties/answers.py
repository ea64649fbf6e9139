"""Answers of both vendors: a valid one for each call, and ways to damage it.

The valid answers come from the vendors' documents. Damage is structural: another value, or none, at any
place.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from lytics_sendgrid.lytics.api import Lytics
from lytics_sendgrid.lytics.documents import (
    HeaderAuthorization,
    LyticsAudience,
    LyticsJob,
    LyticsPerson,
    ScanPage,
)
from lytics_sendgrid.sendgrid.api import SendGrid
from lytics_sendgrid.sendgrid.contacts import SendGridContacts
from lytics_sendgrid.sendgrid.import_job import Job
from lytics_sendgrid.sendgrid.resources import ContactList, ContactSearch, CustomField, Segment
from lytics_sendgrid.transport.client import Answer
from tests.clock import ManualClock
from tests.doubles.http import ScriptedHttp

AUDIENCE: Final = "5cecf2aa79b0a5641920e0607b95c793"
DATE: Final = "Mon, 23 Nov 2026 18:00:00 GMT"
_SEGMENT_OF_LYTICS: Final = {
    "id": AUDIENCE, "name": "High Value Users", "slug_name": "high_value_users", "kind": "segment", "table": "user",
    "size": 32, "invalid": False,
}  # fmt: skip
_JOB_OF_LYTICS: Final = {
    "id": "j1", "name": "Export", "workflow": "webhook_triggers", "status": "running", "auth_ids": ["a1"], "config": {},
}  # fmt: skip
_AUTHORIZATION: Final = {"id": "a1", "label": "SendGrid export", "type": "header_param_auth"}
_FIELD: Final = {"id": "e4_T", "name": "lytics_segments", "field_type": "Text", "_metadata": {}}
_SEGMENT: Final = {
    "id": "s1", "name": "High Value Users", "query_dsl": "SELECT …", "contacts_count": 3, "parent_list_ids": ["l1"],
    "sample_updated_at": "2026-07-15T16:07:03Z", "status": {"query_validation": "VALID"},
}  # fmt: skip
_CONTACT: Final = {
    "id": "c1", "email": "jane@example.com", "custom_fields": {"w": 1}, "list_ids": ["l1"], "segment_ids": [],
}  # fmt: skip
_IMPORT_JOB: Final = {
    "id": "i1", "status": "errored", "job_type": "upsert_contacts", "finished_at": "2026-11-23T18:00:00Z",
    "results": {"requested_count": 2, "created_count": 1, "errored_count": 1, "errors_url": "https://files.example.com/1"},
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call of an adapter.

    Attributes:
        make: makes the call, over an HTTP double with scripted answers.
        status: a success's status.
        document: a success's document.
        result: the type of its result.
        needed: places that must exist and have their type; ``*`` is any element.
        writes: whether it changes something at the vendor.
        refusals: results of refusals that are documented as such, by status.
    """

    make: Callable[[ScriptedHttp], Any]
    status: int
    document: Any
    result: Any
    needed: tuple[str, ...]
    writes: bool = False
    refusals: Mapping[int, Any] = field(default_factory=dict)


def _lytics(call: Callable[[Lytics], Any], data: Any, result: Any, *needed: str, **more: Any) -> Call:
    beside = more.pop("beside", {})
    document = {"data": data, "status": 200, "message": "success", **beside}
    return Call(lambda http: call(Lytics(http)), 200, document, result, needed, **more)


def _sendgrid(call: Callable[[SendGrid], Any], document: Any, result: Any, *needed: str, **more: Any) -> Call:
    make = lambda http: call(SendGrid(http, ManualClock(1_000.0)))  # noqa: E731
    return Call(make, 201 if more.get("writes") else 200, document, result, needed, **more)


CALLS: Final = {
    "audiences": _lytics(lambda a: a.audiences(), [_SEGMENT_OF_LYTICS], tuple[LyticsAudience, ...], "data", "data.*"),
    "audience": _lytics(lambda a: a.audience("x"), _SEGMENT_OF_LYTICS, LyticsAudience | None, "data", refusals={404: None}),
    "sizes": _lytics(lambda a: a.sizes([AUDIENCE]), [{"id": AUDIENCE, "size": 3}], dict[str, int], "data", "data.*"),
    "schema_fields": _lytics(
        lambda a: a.schema_fields(), [{"id": "email", "type": "string"}], dict[str, str], "data", "data.*"
    ),
    "scan_page": _lytics(
        lambda a: a.scan_page(AUDIENCE, "", ["email"]), [{"email": "ann@example.org"}, {"email": "bo@example.org"}],
        ScanPage, "data", "data.*", beside={"_next": "c1", "total": 2},
    ),
    "person": _lytics(
        lambda a: a.person("email", "ann@example.org"),
        {"email": "ann@example.org", "segments": ["any"], "segments_all": [AUDIENCE]}, LyticsPerson | None, "data", refusals={404: None},
    ),
    "job": _lytics(lambda a: a.job("j1"), _JOB_OF_LYTICS, LyticsJob | None, "data", refusals={404: None}),
    "jobs": _lytics(lambda a: a.jobs(), [_JOB_OF_LYTICS], tuple[LyticsJob, ...], "data", "data.*"),
    "header_authorizations": _lytics(
        lambda a: a.header_authorizations(), [_AUTHORIZATION], tuple[HeaderAuthorization, ...], "data", "data.*",
        refusals={404: ()},
    ),
    "create_webhook_job": _lytics(
        lambda a: a.create_webhook_job({"name": "n"}), _JOB_OF_LYTICS, LyticsJob, "data", "data.id", writes=True
    ),
    "update_webhook_job": _lytics(
        lambda a: a.update_webhook_job("j1", {"name": "n"}), _JOB_OF_LYTICS, LyticsJob, "data", "data.id", writes=True
    ),
    "create_header_authorization": _lytics(
        lambda a: a.create_header_authorization("l", {"A": "b"}), _AUTHORIZATION, HeaderAuthorization,
        "data", "data.id", writes=True,
    ),
    "scopes": _sendgrid(lambda a: a.scopes(), {"scopes": ["marketing.read"]}, frozenset[str], "scopes"),
    "fields": _sendgrid(
        lambda a: a.fields(), {"custom_fields": [_FIELD]}, tuple[CustomField, ...],
        "custom_fields", "custom_fields.*", "custom_fields.*.id", "custom_fields.*.name", "custom_fields.*.field_type",
    ),
    "create_field": _sendgrid(
        lambda a: a.create_field("lytics_segments", "Text"), _FIELD, CustomField, "id", "name", "field_type", writes=True
    ),
    "lists": _sendgrid(
        lambda a: a.lists(), {"result": [{"id": "l1", "name": "News"}], "_metadata": {"next": "", "count": 1}},
        tuple[ContactList, ...], "result", "result.*", "result.*.id", "result.*.name",
    ),
    "segments": _sendgrid(
        lambda a: a.segments(), {"results": [_SEGMENT], "_metadata": {}}, tuple[Segment, ...],
        "results", "results.*", "results.*.id", "results.*.name",
    ),
    "segment": _sendgrid(lambda a: a.segment("s1"), _SEGMENT, Segment, "id", "name"),
    "create_segment": _sendgrid(
        lambda a: a.create_segment("n", "SELECT …", None), _SEGMENT, Segment, "id", "name", writes=True
    ),
    "contacts": _sendgrid(
        lambda a: a.contacts(["jane@example.com"]), {"result": {"jane@example.com": {"contact": _CONTACT}}}, ContactSearch, "result",
        refusals={404: ContactSearch({}, frozenset()), 400: ContactSearch({}, frozenset({"jane@example.com"}))},
    ),
    "contacts_count": _sendgrid(lambda a: a.contacts_count(), {"contact_count": 12}, int, "contact_count"),
    "import_job": Call(
        lambda http: SendGridContacts(http, ManualClock(1_000.0)).job("i1"), 200, _IMPORT_JOB, Job, ("status",),
        refusals={404: Job("unknown")},
    ),
}  # fmt: skip
"""Calls by name. The upsert is not one of them, because each of its answers is a verdict."""

ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 7, 10**400, 1.5, float("nan"), float("inf"), "", "x", " ", "0", "-1", "9" * 5_000, "\ud800",
    "https://[", "https://example.com/?page_token=a", "2026-13-45T99:99:99Z", "enter", [], [[]], [None], ["x"], [7], {},
    {"id": {}}, {"message": []}, {"contact": 7}, {"errors": [{"message": 7}]},
)  # fmt: skip
HEADERS: Final = ("date", "retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "content-type")
_ODD_HEADERS: Final = (
    "", "0", "-1", "7", "1e999", "nan", "-inf", "9" * 400, DATE, "Mon, 23 Nov 99999 18:00:00 GMT", f"Mon, 01 Jan {'9' * 14} 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Mon, 01 Jan 0001 00:00:00 -0000", "Mon, 31 Dec 9999 23:59:59 -2359", "Mon, 23 Nov 2099 18:00:00", "tomorrow", "²", "text/html",
)  # fmt: skip


def places(document: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield every place in a document, the whole document first."""
    yield place
    inner = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in inner:
        yield from places(value, (*place, key))


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a document with a value replaced."""
    if not place:
        return value
    changed = copy.copy(document)
    changed[place[0]] = put(document[place[0]], place[1:], value)
    return changed


def without(document: Any, place: tuple[Any, ...]) -> Any:
    """Return a document with a value removed."""
    if len(place) > 1:
        return put(document, place[:1], without(document[place[0]], place[1:]))
    changed = copy.copy(document)
    del changed[place[0]]
    return changed


def answer(status: int, document: Any, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(document).encode())


@st.composite
def documents(draw: st.DrawFn, valid: Any) -> Any:
    """Draw a valid document with up to three places changed."""
    document = valid
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(places(document))))
        if place and draw(st.booleans()):
            document = without(document, place)
        else:
            document = put(document, place, draw(st.sampled_from(ODD)))
    return document


@st.composite
def answers(draw: st.DrawFn, valid: Any, status: int) -> Answer:
    """Draw an answer: mostly a success with a changed document, otherwise something different."""
    body = json.dumps(draw(documents(valid))).encode()
    form = draw(st.integers(0, 9))
    if form == 0:
        body = body[: draw(st.integers(0, len(body)))]
    elif form == 1:
        body = draw(st.sampled_from(_NO_DOCUMENTS))
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(_ODD_HEADERS), max_size=3))
    other = st.sampled_from([200, 202, 204, 301, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503, 599])
    return Answer(draw(other) if draw(st.integers(0, 3)) == 0 else status, headers, body)


_NO_DOCUMENTS: Final = (
    b"", b"null", b"[]", b'""', b"0", b"<html><body><h1>502 Bad Gateway</h1></body></html>", b"\xff\xfe", b"\x1f\x8b\x08",
    b"[" * 200_000, b'{"data":' * 50_000, b"9" * 100_000, "{}".encode("utf-16"), b'{"data":[' + b'{"id":"x"},' * 50_000,
)  # fmt: skip


def is_of(value: Any, kind: Any) -> bool:
    """Return whether a value and everything in it is of an annotated type."""
    if kind is Any:
        return True
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return any(is_of(value, option) for option in arguments)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is None:
        if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, kind):
            hints = get_type_hints(kind)
            return all(is_of(getattr(value, option.name), hints[option.name]) for option in fields(kind))
        return isinstance(value, type(None) if kind is None else kind)
    if not isinstance(value, origin):
        return False
    if isinstance(value, dict):
        return all(is_of(k, arguments[0]) and is_of(v, arguments[1]) for k, v in value.items())
    return all(is_of(option, arguments[0]) for option in value)
