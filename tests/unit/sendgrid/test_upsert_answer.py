"""interpret: the verdict of each answer to an upsert."""

import json
from typing import Any

import pytest

from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
    busy_until,
    exhausted_until,
    interpret,
    reset_epoch_s,
    without_addresses,
)
from lytics_sendgrid.transport.client import Answer


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def errors(*messages: Any) -> dict[str, Any]:
    return {"errors": [{"field": "contacts[0].identifier", "message": message} for message in messages]}


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (answer(202, {"job_id": "j1"}), Accepted("j1")),
        (answer(202, {}), Unanswered("202 without a job id")),
        (answer(202, {"job_id": ""}), Unanswered("202 without a job id")),
        (answer(202, b"<html>"), Unanswered("202 without a job id")),
        (answer(200, {}), Unanswered("200")),
        (answer(500, errors("oops")), Unanswered("500 oops")),
        (answer(503, b"<html>"), Unanswered("503")),
        (answer(408, None), Unanswered("408")),
        (answer(429, errors("too many requests")), Busy("429 too many requests")),
        (answer(429, None, x_ratelimit_reset="1790000000"), Busy("429")),
        (answer(413, None), RowsRefused("413")),
        (answer(400, None), RequestFault("400")),
        (answer(400, b"<html>Bad Request"), RequestFault("400")),
        (answer(422, b"<html>Bad Request"), RequestFault("422")),
        (answer(400, {}), RowsRefused("400")),
        (answer(400, {"message": "invalid JSON"}), RequestFault("400 invalid JSON")),
        (
            answer(400, [{"message": "invalid custom field ids supplied - e9_T"}]),
            RequestFault("400 invalid custom field ids supplied - e9_T"),
        ),
        (answer(400, [{"message": "no"}, "x"]), RowsRefused("400 no; x")),
        (answer(400, {"errors": "x"}), RowsRefused("400 x")),
        (answer(400, {"errors": ["x", {}, 5]}), RowsRefused("400 x")),
        (answer(400, {"error": "no room"}), RowsRefused("400 no room")),
        (answer(400, {"errors": [], "message": "no room"}), RowsRefused("400 no room")),
        (answer(400, {"error": {"message": "no room"}}), RowsRefused("400 no room")),
        (answer(400, {"errors": [{"error": "no room"}]}), RowsRefused("400 no room")),
        (answer(400, "no room"), RowsRefused("400 no room")),
        (answer(400, {"errors": ["invalid JSON"]}), RequestFault("400 invalid JSON")),
        (answer(401, {"error": "authorization required"}), RequestFault("401 authorization required")),
        (answer(403, {"message": "access forbidden"}), RequestFault("403 access forbidden")),
        (answer(400, errors("invalid input", "invalid input")), RowsRefused("400 invalid input")),
        (answer(422, errors("no")), RowsRefused("422 no")),
        (
            answer(400, errors("invalid custom field ids supplied - e9_T")),
            RequestFault("400 invalid custom field ids supplied - e9_T"),
        ),
        (answer(400, errors("invalid JSON")), RequestFault("400 invalid JSON")),
        (answer(400, errors("Invalid JSON: at 7")), RequestFault("400 Invalid JSON: at 7")),
        (answer(300, None), RequestFault("300")),
        (answer(401, errors("authorization required")), RequestFault("401 authorization required")),
        (answer(403, errors("access forbidden")), RequestFault("403 access forbidden")),
        (answer(404, errors("not found")), RequestFault("404 not found", of_list=True)),
        (answer(301, None), RequestFault("301")),
    ],
)
def test_verdict(given: Answer, verdict: Verdict) -> None:
    assert interpret(given) == verdict


def test_every_named_address_is_found_regardless_of_case() -> None:
    given = answer(
        400,
        errors(
            "email 'Ann@Example.org' is not valid",
            "Email ' o'neil@example.com ' Is Not Valid",
            "email 'two\nlines@example.org' is not valid",
        ),
    )
    verdict = interpret(given)
    assert isinstance(verdict, BadAddresses)
    assert verdict.addresses == {"ann@example.org", "o'neil@example.com", "two\nlines@example.org"}


def test_message_holds_no_address_and_is_truncated() -> None:
    named = [f"email 'person{n}@example.org' is not valid, field {n}" for n in range(50)]
    verdict = interpret(answer(400, errors(*named)))
    assert isinstance(verdict, BadAddresses)
    assert "@" not in verdict.message
    assert verdict.message.startswith("400 email '(address)' is not valid, field 0; email '(address)'")
    assert len(verdict.message) <= 304


@pytest.mark.parametrize(
    ("text", "reset"),
    [("12.5", 12.5), ("1_0", None), ("nan", None), ("1e400", None), ("soon", None), ("", None)],
)
def test_rate_limit_reset_is_a_number_or_none(text: str, reset: float | None) -> None:
    assert reset_epoch_s({"x-ratelimit-reset": text}) == reset


def test_reset_counts_only_if_no_request_remains() -> None:
    assert exhausted_until({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}) == 9.0
    assert exhausted_until({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9"}) is None
    assert exhausted_until({}) is None


@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ({}, None),
        ({"retry-after": "30"}, 1_030.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT"}, 1_030.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT", "date": "Thu, 01 Jan 1970 00:16:50 GMT"}, 1_020.0),
        ({"retry-after": "30", "x-ratelimit-reset": "1002"}, 1_030.0),
        ({"retry-after": "1", "x-ratelimit-reset": "1002"}, 1_002.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after_of_a_429_is_waited_for(headers: dict[str, str], until: float | None) -> None:
    assert busy_until(headers, 1_000.0) == until


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("email 'mary.o'connor@example.org' is not valid", "email '(address)' is not valid"),
        ("email 'mary ann@example.org' is not valid", "email '(address)' is not valid"),
        ("address mary.o'connor@example.org is bad", "address (address) is bad"),
        ("'mary+x@example.org', 'ann'", "'(address)', 'ann'"),
        ('address "mary ann"@example.org is bad', "address (address) is bad"),
        ('address "mary(ann"@example.org.', "address (address)"),
        ("contacts <mary,ann@example.org>: no", "contacts <(address)>: no"),
        ("m\u00e4ry@ex\u00e4mple.org and mary\uff20example.org", "(address) and (address)"),
        ("/v3/x?email=mary%40example.org", "(address)"),
        ("nobody is named", "nobody is named"),
        ("a @ b", "a (address) b"),
    ],
)
def test_redacted_message_keeps_nothing_of_an_address(text: str, redacted: str) -> None:
    assert without_addresses(text) == redacted
