"""Lytics: the requests it sends, what it reads, and the error for each refusal."""

import json
import math
from collections.abc import Callable
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
from lytics_sendgrid.lytics.api import Lytics, lytics_at
from lytics_sendgrid.lytics.documents import LyticsAudience, matching
from lytics_sendgrid.transport.client import Answer
from tests.doubles.http import ScriptedHttp

AUDIENCE = "5cecf2aa79b0a5641920e0607b95c793"
SEGMENT = {"id": AUDIENCE, "name": "High Value Users", "slug_name": "high_value_users", "kind": "segment"}
DATE = "Mon, 23 Nov 2026 18:00:00 GMT"


def answered(document: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(document).encode(),
    )


CALLS: dict[str, Callable[[Lytics], object]] = {
    "audiences": lambda lytics: lytics.audiences(),
    "audience": lambda lytics: lytics.audience("high_value_users"),
    "sizes": lambda lytics: lytics.sizes([AUDIENCE]),
    "schema_fields": lambda lytics: lytics.schema_fields(),
    "scan_page": lambda lytics: lytics.scan_page(AUDIENCE, "", ["email"]),
    "person": lambda lytics: lytics.person("email", "beth@example.com"),
    "job": lambda lytics: lytics.job("j1"),
    "jobs": lambda lytics: lytics.jobs(),
    "header_authorizations": lambda lytics: lytics.header_authorizations(),
    "create_webhook_job": lambda lytics: lytics.create_webhook_job({"name": "n"}),
    "update_webhook_job": lambda lytics: lytics.update_webhook_job("j1", {"name": "n"}),
    "create_header_authorization": lambda lytics: lytics.create_header_authorization("l", {"A": "b"}),
    "update_header_authorization": lambda lytics: lytics.update_header_authorization("a1", "l", {"A": "b"}),
}
COMMANDS: dict[str, Callable[[Lytics], object]] = {
    "pause_job": lambda lytics: lytics.pause_job("j1"),
    "resume_job": lambda lytics: lytics.resume_job("j1"),
    "restart_job": lambda lytics: lytics.restart_job("j1"),
    "delete_job": lambda lytics: lytics.delete_job("j1"),
}
WRITES = {name for name in CALLS if name.startswith(("create", "update"))}
every_call = pytest.mark.parametrize("name", CALLS)


@every_call
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, RequestRefused),
        (400, RequestRefused),
        (401, KeyRefused),
        (403, KeyRefused),
        (408, ServiceUnavailable),
        (409, RequestRefused),
        (422, RequestRefused),
        (429, Throttled),
        (500, ServiceUnavailable),
        (503, ServiceUnavailable),
    ],
)
def test_refusal_is_our_error_with_lytics_message(
    name: str, status: int, error: type[LyticsSendGridError]
) -> None:
    refusal = {"status": status, "errors": [{"code": "X-001", "message": "so said Lytics", "level": "warn"}]}
    other_forms = [answered({"errors": [{"message": "nor this form"}]}, 404)] * 3
    with pytest.raises(error, match=f"{status}.*so said Lytics"):
        CALLS[name](Lytics(ScriptedHttp(answered(refusal, status), *other_forms)))


@every_call
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>502</body></html>",
        b'{"data":[{"id":"1"',
        b"[]",
        b"null",
        b'"text"',
        b'{"data":"text"}',
        b'{"data":[1,2]}',
        b"[" * 100_000,
        b'{"data":7}',
    ],
)
def test_success_of_undocumented_form_is_an_error(name: str, body: bytes) -> None:
    with pytest.raises(AnswerLost if name in WRITES else ServiceUnavailable, match="not as documented"):
        CALLS[name](Lytics(ScriptedHttp(Answer(200, {}, body))))


@every_call
def test_refusal_inside_a_200_is_a_refusal(name: str) -> None:
    body = {"data": None, "message": "Not authorized", "status": 401}
    with pytest.raises(KeyRefused, match="Not authorized"):
        CALLS[name](Lytics(ScriptedHttp(answered(body))))


@every_call
@pytest.mark.parametrize(
    ("beside", "error", "words"),
    [
        ({"status": "error", "message": "Internal error"}, None, "Internal error"),
        ({"status": 500.0, "message": "broken"}, None, "broken"),
        ({"status": [], "message": "broken"}, None, "broken"),
        ({"status": True, "message": "broken"}, None, "broken"),
        ({"status": "500", "message": "backend"}, ServiceUnavailable, "answered 500 .*backend"),
        ({"status": "403", "message": "no role"}, KeyRefused, "answered 403 .*no role"),
        ({"errors": [{"code": "X", "message": "backend down"}], "status": 200}, None, "backend down"),
        ({"errors": {"message": "backend down"}}, None, "errors"),
    ],
)
@pytest.mark.parametrize("data", [None, [], {"id": "x", "segments": []}])
def test_success_that_reports_a_failure_is_an_error(
    name: str, data: Any, beside: dict[str, Any], error: type[LyticsSendGridError] | None, words: str
) -> None:
    with pytest.raises(error or (AnswerLost if name in WRITES else ServiceUnavailable), match=words):
        CALLS[name](Lytics(ScriptedHttp(answered({"data": data, **beside}))))


@pytest.mark.parametrize("status", ["success", "OK", "200", 200, 201, None])
def test_success_may_have_many_statuses(status: object) -> None:
    assert Lytics(ScriptedHttp(answered({"data": [], "status": status, "errors": []}))).audiences() == ()


@pytest.mark.parametrize(
    "document",
    [
        {"data": None},
        {"data": None, "status": None},
        {"data": None, "status": 200, "message": "Timed out"},
        {"data": None, "status": "success", "message": ["odd"]},
    ],
)
def test_null_data_without_success_is_an_error(
    document: dict[str, Any],
) -> None:
    for name in ("audiences", "sizes", "schema_fields", "scan_page", "jobs", "header_authorizations"):
        with pytest.raises(ServiceUnavailable, match="no list of objects"):
            CALLS[name](Lytics(ScriptedHttp(answered(document))))


@every_call
def test_proxy_error_page_is_an_outage(name: str) -> None:
    page = Answer(502, {}, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
    with pytest.raises(ServiceUnavailable, match="Lytics answered 502"):
        CALLS[name](Lytics(ScriptedHttp(page)))


@pytest.mark.parametrize("name", sorted(WRITES))
def test_written_document_without_id_is_a_lost_answer(name: str) -> None:
    with pytest.raises(AnswerLost, match="without an id"):
        CALLS[name](Lytics(ScriptedHttp(answered({"data": {"name": "n"}}, 201))))


def test_only_403_means_lacking_permission() -> None:
    def refusal(status: int) -> KeyRefused:
        with pytest.raises(KeyRefused) as raised:
            Lytics(ScriptedHttp(answered({}, status))).jobs()
        return raised.value

    assert refusal(403).lacks_permission
    assert not refusal(401).lacks_permission


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "Mon, 23 Nov 2026 18:02:00 GMT", "date": DATE}, 120.0),
        ({"retry_after": "Mon, 23 Nov 2026 17:00:00 GMT", "date": DATE}, 0.0),
        ({"retry_after": "Mon, 23 Nov 2026 18:02:00 GMT"}, None),
        ({"retry_after": "soon", "date": DATE}, None),
        ({"retry_after": "Mon, 01 Jan 99999999999999 00:00:00 GMT", "date": DATE}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept_in_seconds(headers: dict[str, str], wait_s: float | None, status: int) -> None:
    with pytest.raises((Throttled, ServiceUnavailable)) as raised:
        Lytics(ScriptedHttp(answered({}, status, **headers))).scan_page(AUDIENCE, "", ["email"])
    assert raised.value.retry_after_s == wait_s


def test_audiences_are_those_of_people_with_sizes() -> None:
    invalid = {**SEGMENT, "id": "b" * 32, "size": "12", "invalid": True, "invalid_reason": "a field is gone"}
    others = [{**SEGMENT, "table": "content"}, {**SEGMENT, "table": ["user"]}, {"name": "without id"}]
    http = ScriptedHttp(
        answered({"data": [{**SEGMENT, "size": 32, "table": "user"}, invalid, *others], "status": 200})
    )

    first, second = Lytics(http).audiences()

    assert first == LyticsAudience(AUDIENCE, "High Value Users", "high_value_users", "segment", 32)
    assert (second.size, second.fault) == (12, "a field is gone")
    assert http.requests == [
        ("GET", "/v2/segment", {"table": "user", "kind": "segment", "sizes": "true"}, None)
    ]


def test_null_is_an_empty_list_of_audiences() -> None:
    for words in ({}, {"message": ""}, {"message": "success"}):
        assert Lytics(ScriptedHttp(answered({"data": None, "status": 200, **words}))).audiences() == ()


def test_unlisted_audience_is_looked_up_with_escaped_reference() -> None:
    http = ScriptedHttp(answered({"data": SEGMENT}), answered({"message": "Segment not found"}, 404))
    lytics = Lytics(http)

    (found,) = lytics.find_audiences(" slug/../x ", [])

    assert found.id == AUDIENCE
    assert lytics.find_audiences("unknown", []) == ()
    assert lytics.find_audiences("  ", []) == ()
    assert [request[1] for request in http.requests] == ["/api/segment/slug%2F..%2Fx", "/api/segment/unknown"]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (AUDIENCE.upper(), [0]),
        ("vips", [1]),
        ("VIP Customers", [2, 3]),
        ("vip customers", [2, 3]),
        ("same", [1]),
        ("nobody", []),
    ],
)
def test_id_goes_before_slug_and_slug_before_name(reference: str, found: list[int]) -> None:
    audiences = [
        LyticsAudience(AUDIENCE, "High Value", "high_value"),
        LyticsAudience("b" * 32, "same", "vips"),
        LyticsAudience("c" * 32, "VIP Customers", "vip_1"),
        LyticsAudience("d" * 32, "VIP Customers", "vip_2"),
    ]
    assert matching(audiences, reference) == tuple(audiences[number] for number in found)


def test_listed_audience_needs_no_request() -> None:
    listed = [LyticsAudience(AUDIENCE, "High Value Users", "high_value_users")]
    assert Lytics(ScriptedHttp()).find_audiences("high value users", listed) == tuple(listed)


def test_sizes_leave_out_uncounted_audiences() -> None:
    http = ScriptedHttp(
        answered({"data": [{"id": "a", "size": 5}, {"id": "b", "size": "6"}, {"id": "c", "size": True}]})
    )
    assert Lytics(http).sizes(["a", "b", "c"]) == {"a": 5, "b": 6}
    assert http.requests[0][1:3] == ("/api/segment/sizes", {"ids": "a,b,c"})


@pytest.mark.parametrize("size", [-1, "-1", "", "1.5", "1" * 5_000, "²", 1.0, None, True, [3]])
def test_size_that_is_not_a_count_is_none(size: Any) -> None:
    assert Lytics(ScriptedHttp(answered({"data": [{"id": "a", "size": size}]}))).sizes(["a"]) == {}


def test_schema_fields_have_their_types() -> None:
    http = ScriptedHttp(answered({"data": [{"id": "email", "type": "string"}, {"id": "x"}, {"type": "int"}]}))
    assert Lytics(http).schema_fields() == {"email": "string", "x": ""}


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ({"_next": "n+/=="}, "n+/=="),
        ({"next": "n2"}, "n2"),
        ({"_next": "", "next": "ignored"}, ""),
        ({"_next": None, "next": None}, ""),
        ({"_next": 42}, "42"),
        ({}, ""),
    ],
)
def test_cursor_is_read_under_both_names(keys: dict[str, Any], cursor: str) -> None:
    http = ScriptedHttp(answered({"status": 200, "data": [{"email": "a@example.com"}], "total": 13, **keys}))
    page = Lytics(http).scan_page(AUDIENCE, "", ["email", "first_name"])
    assert (page.cursor, page.total, page.rows, page.date_ns) == (
        cursor,
        13,
        ({"email": "a@example.com"},),
        None,
    )


@pytest.mark.parametrize(
    "document", [{"status": 200, "_next": "x"}, {"data": [], "_next": ["x"]}, {"data": [], "_next": True}]
)
def test_page_without_data_or_with_odd_cursor_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(ServiceUnavailable):
        Lytics(ScriptedHttp(answered(document))).scan_page(AUDIENCE, "", ["email"])


def test_number_that_python_refuses_affects_only_itself() -> None:
    body = (
        b'{"data":[{"email":"a@example.com","visits":'
        + b"9" * 5_000
        + b'},{"email":"b@example.com"}],"_next":""}'
    )
    page = Lytics(ScriptedHttp(Answer(200, {}, body))).scan_page(AUDIENCE, "", ["email"])
    assert page.rows == ({"email": "a@example.com", "visits": math.inf}, {"email": "b@example.com"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_answer_is_read_in_each_json_encoding(encoding: str) -> None:
    assert Answer(200, {}, '{"data":"ä"}'.encode(encoding)).json() == {"data": "ä"}


def test_page_holds_lytics_clock_and_requests_the_maximum_rows() -> None:
    document = {"data": None, "_next": "more", "total": "7", "status": 200}
    http = ScriptedHttp(answered(document, date=DATE))
    page = Lytics(http).scan_page(AUDIENCE, "cursor", ["email", "first_name"])
    assert (page.rows, page.cursor, page.total, page.date_ns) == (
        (),
        "more",
        7,
        1_795_456_800_000_000_000,
    )
    query = {"limit": "100", "fields": "email,first_name", "start": "cursor"}
    assert http.requests == [("GET", f"/api/segment/{AUDIENCE}/scan", query, None)]


def test_person_has_fields_and_memberships() -> None:
    data = {"email": "beth@example.com", "segments": ["vips", "all"], "segments_all": [AUDIENCE, 7]}
    http = ScriptedHttp(answered({"data": data, "message": "success", "status": 200}))

    person = Lytics(http).person("email", "beth+1@example.com", ["email"])

    assert person is not None
    assert person.fields == {"email": "beth@example.com"}
    assert person.audience_ids == {AUDIENCE}
    assert person.audience_slugs == {"vips", "all"}
    query = {"segments": "true", "allsegments": "true", "fields": "email"}
    assert http.requests == [("GET", "/api/entity/user/email/beth%2B1%40example.com", query, None)]


@pytest.mark.parametrize(
    "answer",
    [
        answered({"message": "Not Found", "data": {"segments": ["not_found", "all"]}}),
        answered({"message": "success", "data": {"segments": ["not_found", "all"]}}),
        answered({"message": "no such"}, 404),
    ],
)
def test_placeholder_of_missing_person_is_none(answer: Answer) -> None:
    assert Lytics(ScriptedHttp(answer)).person("email", "beth@example.com") is None


@pytest.mark.parametrize("name", ["audience", "person", "job", "header_authorizations"])
@pytest.mark.parametrize("page", [b"<html>no such host</html>", b"", b"[]"])
def test_404_of_a_proxy_is_an_outage(name: str, page: bytes) -> None:
    with pytest.raises(ServiceUnavailable, match="not Lytics' own"):
        CALLS[name](Lytics(ScriptedHttp(Answer(404, {"content-type": "text/html"}, page))))


@pytest.mark.parametrize("odd", [{}, {"segments": None}, {"segments": "all", "segments_all": {}}])
def test_person_without_memberships_is_an_error(odd: dict[str, Any]) -> None:
    document = {"data": {"email": "beth@example.com", **odd}, "status": 200, "message": "success"}
    with pytest.raises(ServiceUnavailable, match="a profile without its memberships"):
        Lytics(ScriptedHttp(answered(document))).person("email", "beth@example.com")


@pytest.mark.parametrize("one", [{"segments": []}, {"segments_all": [AUDIENCE]}])
def test_one_membership_list_is_enough(one: dict[str, Any]) -> None:
    person = Lytics(ScriptedHttp(answered({"data": one}))).person("email", "beth@example.com")
    assert person is not None
    assert person.audience_ids == frozenset(one.get("segments_all", ()))


def test_timed_out_look_up_is_not_a_missing_person() -> None:
    timed_out = answered({"message": "Timed out", "data": {"segments": ["not_found", "all"]}})
    with pytest.raises(ServiceUnavailable, match="in time"):
        Lytics(ScriptedHttp(timed_out)).person("email", "beth@example.com")


@pytest.mark.parametrize(
    "answer",
    [
        answered({"message": "nothing for beth@example.com"}, 400),
        AnswerLost("GET /api/entity/user/email/beth%40example.com: ReadTimeout"),
    ],
)
def test_error_about_a_person_holds_no_address(answer: Answer | Exception) -> None:
    with pytest.raises(LyticsSendGridError) as raised:
        Lytics(ScriptedHttp(answer)).person("email", "beth@example.com")
    assert "beth" not in str(raised.value)
    assert raised.value.__cause__ is None


JOB = {
    "id": "j1",
    "name": "n",
    "workflow": "webhook_triggers",
    "status": "running",
    "config": {"webhook_url": "https://x.example.com"},
    "auth_ids": ["a1"],
}


def test_job_keeps_what_an_update_must_send_back() -> None:
    http = ScriptedHttp(
        answered({"data": [JOB, {**JOB, "id": "j2", "workflow": "other"}, {"name": "no id"}]})
    )
    (job,) = Lytics(http).jobs("webhook_triggers")
    assert (job.id, job.status, job.auth_ids, job.document) == ("j1", "running", ("a1",), JOB)
    assert http.requests == [("GET", "/v2/job", {"workflow": "webhook_triggers"}, None)]


def test_killed_job_is_none() -> None:
    http = ScriptedHttp(answered({"status": 404}, 404), answered({"data": {**JOB, "config": None}}))
    lytics = Lytics(http)
    assert lytics.job("j/1") is None
    found = lytics.job("j1")
    assert found is not None
    assert found.config == {}
    assert http.requests[0][1] == "/v2/job/j%2F1"


def test_webhook_job_is_created_and_replaced_under_its_workflow() -> None:
    http = ScriptedHttp(answered({"data": JOB}, 201), answered({"data": JOB}))
    lytics = Lytics(http)
    lytics.create_webhook_job({"name": "n"})
    lytics.update_webhook_job("j1", {"name": "n"})
    body = {"name": "n", "workflow": "webhook_triggers"}
    assert http.requests == [
        ("POST", "/v2/job/webhook-triggers", {}, body),
        ("PUT", "/v2/job/webhook-triggers/j1", {}, body),
    ]


@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_refused_form_is_followed_by_the_next(status: int) -> None:
    made = {"id": "a1", "label": "l", "type": "header_param_auth", "status": "running"}
    for name in sorted(WRITES):
        http = ScriptedHttp(answered({}, status), answered({"data": made}))
        CALLS[name](Lytics(http))
        assert [method for method, *_ in http.requests] == [
            "PUT" if name.startswith("update") else "POST"
        ] * 2
        assert len({path for _, path, _, _ in http.requests}) == 2, name


def test_authorization_is_sent_wrapped_and_flat() -> None:
    http = ScriptedHttp(*[answered({}, 400)] * 3, answered({"data": {"id": "a1", "name": "l"}}))
    created = Lytics(http).create_header_authorization("l", {"A": "b"})
    assert (created.id, created.label) == ("a1", "l")
    wrapped, flat = http.requests[0][3], http.requests[3][3]
    assert wrapped["config"]["webhook_request_headers"] == "A: b"
    assert flat["webhook_request_headers"] == "A: b"
    assert "config" not in flat


def test_authorization_holds_one_header_a_line() -> None:
    listed = {"id": "a1", "label": "l", "type": "header_param_auth"}
    http = ScriptedHttp(
        answered({"data": listed}, 201), answered({"data": listed}), answered({"data": [listed, {"id": "s"}]})
    )
    lytics = Lytics(http)

    created = lytics.create_header_authorization("l", {"X-Lytics-Secret": "s3", "X-B": "c"})
    lytics.update_header_authorization(created.id, "l", {"X-Lytics-Secret": "s4"})

    assert lytics.header_authorizations() == (created,)
    (_, path, _, body), (_, update_path, _, update) = http.requests[:2]
    assert (path, update_path) == ("/v2/auth/header-param-auth", "/v2/auth/header-param-auth/a1")
    assert body["label"] == "l"
    assert body["config"]["webhook_request_headers"] == "X-Lytics-Secret: s3\nX-B: c"
    assert update["config"]["webhook_request_headers"] == "X-Lytics-Secret: s4"


def test_token_is_sent_without_bearer() -> None:
    lytics = lytics_at("http://127.0.0.1:9", "token")
    with pytest.raises(ServiceUnavailable, match="connection refused"):
        lytics.jobs()


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RequestRefused), (403, KeyRefused), (429, Throttled), (500, ServiceUnavailable)],
)
def test_refused_command_is_an_error(name: str, status: int, error: type[LyticsSendGridError]) -> None:
    http = ScriptedHttp(answered({"status": status, "errors": [{"message": "no"}]}, status))
    with pytest.raises(error):
        COMMANDS[name](Lytics(http))


@pytest.mark.parametrize("name", COMMANDS)
def test_unreadable_answer_to_a_command_is_an_error(name: str) -> None:
    with pytest.raises(RequestRefused):
        COMMANDS[name](Lytics(ScriptedHttp(Answer(404, {}, b"<html>"))))
    with pytest.raises(AnswerLost):
        COMMANDS[name](Lytics(ScriptedHttp(Answer(200, {}, b"<html>"))))


def test_refused_deletion_of_an_authorization_is_an_error() -> None:
    with pytest.raises(KeyRefused):
        Lytics(ScriptedHttp(answered({"message": "no"}, 403))).delete_header_authorization("a1")
