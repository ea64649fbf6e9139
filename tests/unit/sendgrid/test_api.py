"""SendGrid: the requests it sends, and what it makes of each answer."""

import json
from typing import Any

import pytest

from lytics_sendgrid.errors import (
    AnswerLost,
    KeyRefused,
    LyticsSendGridError,
    RequestRefused,
    ServiceUnavailable,
    Throttled,
)
from lytics_sendgrid.sendgrid.api import SendGrid
from lytics_sendgrid.sendgrid.resources import ContactList, ContactSearch, CustomField, Segment
from lytics_sendgrid.transport.client import Answer
from tests.clock import ManualClock
from tests.doubles.http import ScriptedHttp

FIELD = {"id": "e4_T", "name": "lytics_segments", "field_type": "Text", "_metadata": {}}
SEGMENT = {
    "id": "s1",
    "name": "High Value Users",
    "query_dsl": "SELECT …",
    "contacts_count": 3,
    "parent_list_ids": ["l1"],
    "sample_updated_at": "2026-07-15T16:07:03Z",
    "status": {"query_validation": "VALID"},
}
LISTS = "/v3/marketing/lists"


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class Scene:
    """The adapter, scripted answers, and a clock that starts at 1,000."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.http = ScriptedHttp(*answers)
        self.clock = ManualClock(1_000.0)
        self.sendgrid = SendGrid(self.http, self.clock)


def test_scopes_are_read() -> None:
    assert Scene(answer(200, {"scopes": ["marketing.read", 7]})).sendgrid.scopes() == {"marketing.read"}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        (
            {"custom_fields": [FIELD], "reserved_fields": []},
            (CustomField("e4_T", "lytics_segments", "Text"),),
        ),
        ({"custom_fields": None, "reserved_fields": []}, ()),
        ({"reserved_fields": [{"id": "_rf0_T", "name": "email", "field_type": "Text"}]}, ()),
    ],
)
def test_custom_fields_are_read(document: Any, fields: tuple[CustomField, ...]) -> None:
    assert Scene(answer(200, document)).sendgrid.fields() == fields


def test_field_is_created_and_renamed() -> None:
    scene = Scene(answer(200, FIELD), answer(200, FIELD))
    assert scene.sendgrid.create_field("lytics_segments", "Text").id == "e4_T"
    scene.sendgrid.rename_field("e4/T", "lytics_segments")
    path = "/v3/marketing/field_definitions"
    assert scene.http.requests == [
        ("POST", path, {}, {"name": "lytics_segments", "field_type": "Text"}),
        ("PATCH", f"{path}/e4%2FT", {}, {"name": "lytics_segments"}),
    ]


def test_segment_is_renamed() -> None:
    scene = Scene(answer(200, SEGMENT))
    scene.sendgrid.rename_segment("s/1", "New")
    path = "/v3/marketing/segments/2.0/s%2F1"
    assert scene.http.requests == [("PATCH", path, {}, {"name": "New"})]


def page(ids: str, next_url: str | None) -> Answer:
    lists = [{"id": one, "name": one.upper(), "contact_count": 1} for one in ids]
    return answer(200, {"result": lists, "_metadata": {"next": next_url} if next_url else {}})


def test_list_pages_are_followed_on_sendgrids_own_host() -> None:
    scene = Scene(
        page("ab", f"https://evil.example.com{LISTS}?page_size=1000&page_token=t%2F1"), page("bc", "")
    )
    assert scene.sendgrid.lists() == (ContactList("a", "A"), ContactList("b", "B"), ContactList("c", "C"))
    assert [(path, query) for _, path, query, _ in scene.http.requests] == [
        (LISTS, {"page_size": "1000"}),
        (LISTS, {"page_size": "1000", "page_token": "t/1"}),
    ]


def test_repeated_page_is_an_error() -> None:
    again = f"https://api.sendgrid.com{LISTS}?page_token=t1"
    with pytest.raises(ServiceUnavailable, match="repeats a page"):
        Scene(page("a", again), page("b", again)).sendgrid.lists()


def test_endless_pages_are_an_error() -> None:
    pages = [page("a", f"https://api.sendgrid.com{LISTS}?page_token=t{n}") for n in range(1_000)]
    with pytest.raises(ServiceUnavailable, match="do not end"):
        Scene(*pages).sendgrid.lists()


def test_next_page_without_token_is_the_end() -> None:
    assert len(Scene(page("a", f"https://api.sendgrid.com{LISTS}")).sendgrid.lists()) == 1


@pytest.mark.parametrize("next_url", [7, {}, "https://["])
def test_unreadable_next_page_is_an_error(next_url: Any) -> None:
    document = {"result": [], "_metadata": {"next": next_url}}
    with pytest.raises(ServiceUnavailable, match="is not as documented"):
        Scene(answer(200, document)).sendgrid.lists()


@pytest.mark.parametrize("reset", ["nan", "inf", "soon", ""])
def test_unreadable_rate_limit_reset_waits_the_default(reset: str) -> None:
    scene = Scene(answer(429, {}, x_ratelimit_reset=reset), answer(200, {"results": []}))
    assert scene.sendgrid.segments() == ()
    assert scene.clock.sleeps == [2.0]


def test_segments_are_read_as_list_and_singly() -> None:
    expected = Segment("s1", "High Value Users", "l1", "SELECT …", 3, "VALID", "", "2026-07-15T16:07:03Z")
    listed = {key: value for key, value in SEGMENT.items() if key != "query_dsl"}
    scene = Scene(answer(200, {"results": [listed]}), answer(200, SEGMENT))
    assert scene.sendgrid.segments()[0].query is None
    assert scene.sendgrid.segment("s1") == expected


@pytest.mark.parametrize(
    ("changes", "list_id"),
    [
        ({"parent_list_ids": None}, None),
        ({"parent_list_ids": []}, None),
        ({"parent_list_ids": [""]}, None),
        ({"parent_list_ids": None, "parent_list_id": "l9"}, "l9"),
    ],
)
def test_segment_may_have_no_list(changes: dict[str, Any], list_id: str | None) -> None:
    document = SEGMENT | changes | {"status": None, "contacts_count": True, "sample_updated_at": None}
    segment = Scene(answer(200, document)).sendgrid.segment("s1")
    assert (segment.list_id, segment.contacts, segment.validation, segment.counted_at) == (
        list_id,
        None,
        "",
        None,
    )


@pytest.mark.parametrize(("list_id", "more"), [(None, {}), ("l1", {"parent_list_ids": ["l1"]})])
def test_segment_is_created(list_id: str | None, more: dict[str, Any]) -> None:
    scene = Scene(answer(201, SEGMENT))
    assert scene.sendgrid.create_segment("High Value Users", "SELECT …", list_id).id == "s1"
    assert scene.http.requests[0][3] == {"name": "High Value Users", "query_dsl": "SELECT …", **more}


def test_contacts_are_looked_up_100_a_request() -> None:
    contact = {
        "id": "c1",
        "first_name": "Jane",
        "custom_fields": {"w": 1},
        "list_ids": ["l1"],
        "segment_ids": None,
    }
    missing = {"error": "contact not found"}
    result = {
        **{f"{n}@example.com": missing for n in range(100, 149)},
        "JANE@example.com": {"contact": contact},
    }
    scene = Scene(answer(200, {"result": result}), answer(404, {"errors": []}))
    found = scene.sendgrid.contacts([*(f"{n}@example.com" for n in range(149)), "Jane@Example.com"])
    assert [len(body["emails"]) for *_, body in scene.http.requests] == [50, 100]
    jane = found.contacts["jane@example.com"]
    assert (jane.id, jane.values, jane.custom_fields) == ("c1", {"first_name": "Jane"}, {"w": 1})
    assert (jane.list_ids, jane.segment_ids, found.refused) == (("l1",), (), frozenset())


def test_invalid_address_is_found_by_halving_the_search() -> None:
    bad = answer(400, {"errors": [{"message": "invalid email b@example.com"}]})
    none = answer(404, {"errors": []})
    scene = Scene(bad, none, bad, bad, none)
    found = scene.sendgrid.contacts(["a@example.com", "b@example.com", "c@example.com"])
    assert len(found.refused) == 1
    assert found.contacts == {}


@pytest.mark.parametrize(
    "unclear",
    [
        answer(404, b"<html>404</html>"),
        answer(400, b"<html>Bad Request</html>"),
        answer(200, {"result": {}}),
        answer(200, {"result": {"a@example.com": {"error": "search timed out"}}}),
        answer(200, {"result": {"a@example.com": {}}}),
        answer(200, {"result": {"a@example.com": "contact not found"}}),
        answer(200, {"result": {"b@example.com": {"error": "contact not found"}}}),
    ],
)
def test_missing_contact_must_be_reported_as_not_found(unclear: Answer) -> None:
    with pytest.raises(ServiceUnavailable, match="a search for contacts is not"):
        Scene(unclear).sendgrid.contacts(["a@example.com"])
    missing = {"result": {"a@example.com": {"error": "Contact not found"}}}
    assert Scene(answer(200, missing)).sendgrid.contacts(["A@example.com"]) == ContactSearch({}, frozenset())


def test_contacts_are_counted() -> None:
    assert Scene(answer(200, {"contact_count": 12})).sendgrid.contacts_count() == 12


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, KeyRefused, "wrong, was deleted or belongs to another region"),
        (403, KeyRefused, "Restricted Access > Marketing: Full Access"),
        (400, RequestRefused, "answered 400 for the list of segments: too bad"),
        (404, RequestRefused, "404"),
        (302, RequestRefused, "correct the parameter SendGridUrl"),
        (408, ServiceUnavailable, "408"),
        (500, ServiceUnavailable, "500"),
        (503, ServiceUnavailable, "503"),
    ],
)
@pytest.mark.parametrize("form", [lambda m: {"errors": [m, "x"]}, lambda m: [m], lambda m: m])
def test_refusal_is_an_error_by_what_to_do(status: int, error: type[Exception], said: str, form: Any) -> None:
    with pytest.raises(error) as refusal:
        Scene(answer(status, form({"message": "too bad", "field": None}))).sendgrid.segments()
    assert said in str(refusal.value)


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"7", b'"text"', b'{"errors":7}'])
def test_refusal_without_message_is_an_error(body: bytes) -> None:
    with pytest.raises(ServiceUnavailable, match="answered 502 for the list of segments"):
        Scene(answer(502, body)).sendgrid.segments()


READS: dict[str, Any] = {
    "scopes": lambda s: s.scopes(),
    "fields": lambda s: s.fields(),
    "lists": lambda s: s.lists(),
    "segments": lambda s: s.segments(),
    "segment": lambda s: s.segment("s1"),
    "contacts": lambda s: s.contacts(["a@example.com"]),
    "contacts_count": lambda s: s.contacts_count(),
}
WRITES: dict[str, Any] = {
    "create_field": lambda s: s.create_field("a", "Text"),
    "create_segment": lambda s: s.create_segment("a", "b", None),
}
ODD = [
    b"<html>Welcome</html>",
    b"",
    b"[]",
    b'{"result":',
    b"{}",
    b'{"scopes":7,"custom_fields":{},"result":"x","results":[7],"contact_count":"7","id":7}',
    b'{"results":[{"id":""}],"result":[{"name":"a"}],"custom_fields":[{"id":"a"}],"contact_count":true,"id":"a"}',
]


@pytest.mark.parametrize("body", ODD)
@pytest.mark.parametrize("call", READS.values(), ids=READS)
def test_success_of_undocumented_form_is_an_error(call: Any, body: bytes) -> None:
    with pytest.raises(ServiceUnavailable, match="is not as documented"):
        call(Scene(answer(200, body)).sendgrid)


@pytest.mark.parametrize("body", ODD)
@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
def test_unreadable_answer_to_a_write_is_lost(call: Any, body: bytes) -> None:
    with pytest.raises(AnswerLost, match="is not as documented"):
        call(Scene(answer(201, body)).sendgrid)


def test_rate_limit_is_waited_for_until_it_resets() -> None:
    full = answer(429, {"errors": []}, x_ratelimit_reset="1003")
    scene = Scene(full, answer(429), answer(429, {}, x_ratelimit_reset="900"), answer(200, {"results": []}))
    assert scene.sendgrid.segments() == ()
    assert scene.clock.sleeps == [3.0, 2.0, 0.5]


def test_rate_limit_with_only_retry_after_is_waited_for() -> None:
    scene = Scene(answer(429, {}, retry_after="30"), answer(200, {"results": []}))
    assert scene.sendgrid.segments() == ()
    assert scene.clock.sleeps == [30.0]


def test_rate_limit_beyond_the_budget_is_throttled_with_its_wait() -> None:
    with pytest.raises(Throttled, match="only in 600 s") as throttled:
        Scene(answer(429, {}, x_ratelimit_reset="1600")).sendgrid.segments()
    assert throttled.value.retry_after_s == 600


def test_all_requests_share_the_rate_limit_budget() -> None:
    first, second = (answer(429, {}, x_ratelimit_reset=reset) for reset in ("1030", "1060"))
    scene = Scene(first, answer(200, {"results": []}), second)
    scene.sendgrid.segments()
    with pytest.raises(Throttled):
        scene.sendgrid.segments()


def test_no_error_of_a_search_holds_an_address() -> None:
    words = {"errors": [{"message": "jane@example.com is odd"}]}
    for status in (401, 403, 422, 500):
        with pytest.raises(LyticsSendGridError) as error:
            Scene(answer(status, words)).sendgrid.contacts(["jane@example.com"])
        assert "jane" not in str(error.value)
