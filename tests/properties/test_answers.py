"""Whatever a vendor answers, each call returns a complete result or raises one of our errors."""

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lytics_sendgrid.errors import AnswerLost, RetryLater, StopRun
from lytics_sendgrid.sendgrid.contacts import MAX_WAIT_S, SendGridContacts
from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
)
from lytics_sendgrid.transport.client import Answer
from tests.clock import ManualClock
from tests.doubles.http import ScriptedHttp
from tests.properties.answers import CALLS, ODD, Call, answer, answers, is_of, places, put, without

every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
NOW_S: Final = 1_000.0


def outcome(call: Call, *given_answers: Answer) -> Any:
    """Return a call's result or our error, which must name the vendor. Any other error is raised."""
    try:
        return call.make(ScriptedHttp(*given_answers, *given_answers * 200))
    except (RetryLater, StopRun) as error:
        raised = error
    assert "Lytics" in str(raised) or "SendGrid" in str(raised)
    return raised


@every_call
def test_valid_answer_is_a_result(call: Call) -> None:
    result = outcome(call, answer(call.status, call.document))
    assert result
    assert is_of(result, call.result)


@every_call
def test_odd_value_anywhere_is_a_result_or_our_error(call: Call) -> None:
    for place in places(call.document):
        for value in ODD:
            result = outcome(call, answer(call.status, put(call.document, place, value)))
            assert isinstance(result, Exception) or is_of(result, call.result), (place, value)


@every_call
@settings(max_examples=120, derandomize=True, deadline=None)
@given(data=st.data())
def test_any_answer_is_a_result_or_our_error(call: Call, data: st.DataObject) -> None:
    drawn = data.draw(answers(call.document, call.status))
    result = outcome(call, drawn)
    if not isinstance(result, Exception):
        assert is_of(result, call.result)
        assert 200 <= drawn.status < 300 or result == call.refusals[drawn.status]


@every_call
def test_truncated_answer_is_never_a_result(call: Call) -> None:
    whole = json.dumps(call.document).encode()
    for size in range(len(whole)):
        result = outcome(call, Answer(call.status, {}, whole[:size]))
        assert isinstance(result, AnswerLost if call.writes else RetryLater), size


@every_call
def test_missing_required_value_is_an_error(call: Call) -> None:
    error = AnswerLost if call.writes else RetryLater
    for pattern in call.needed:
        for place in [one for one in places(call.document) if is_named(one, pattern)]:
            right = at(call.document, place)
            # An empty list may come as null.
            wrong = [
                v for v in ODD if type(v) is not type(right) and not (v is None and isinstance(right, list))
            ]
            for value in wrong:
                assert isinstance(
                    outcome(call, answer(call.status, put(call.document, place, value))), error
                ), value
            if isinstance(place[-1], str):
                assert isinstance(outcome(call, answer(call.status, without(call.document, place))), error), (
                    place
                )


def is_named(place: tuple[Any, ...], pattern: str) -> bool:
    return ".".join("*" if isinstance(key, int) else key for key in place) == pattern


def at(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


@settings(max_examples=400, derandomize=True, deadline=None)
@given(answers({"job_id": "j1", "errors": [{"message": "email 'x@example.com' is not valid"}]}, 202))
def test_every_upsert_answer_has_its_documented_verdict(drawn: Answer) -> None:
    contacts = SendGridContacts(ScriptedHttp(drawn), ManualClock(NOW_S))
    verdict = contacts.upsert(b"{}", 5.0)
    job = drawn.json().get("job_id") if isinstance(drawn.json(), dict) else None
    match drawn.status:
        case 202:
            assert verdict == (Accepted(job) if job and isinstance(job, str) else verdict)
            assert isinstance(verdict, Accepted) is bool(job and isinstance(job, str))
            assert isinstance(verdict, Accepted | Unanswered)
        case 429:
            assert isinstance(verdict, Busy)
        case 400 | 422:
            assert isinstance(verdict, BadAddresses | RowsRefused | RequestFault)
        case 413:
            assert isinstance(verdict, RowsRefused)
        case status if status >= 500 or status in {200, 204, 408}:
            assert isinstance(verdict, Unanswered)
        case _:
            assert isinstance(verdict, RequestFault)
    assert isinstance(verdict, Accepted) or verdict.message
    assert contacts.not_before() <= NOW_S + MAX_WAIT_S
