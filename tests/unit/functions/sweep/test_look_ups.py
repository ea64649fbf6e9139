"""One look-up for all audiences of a person; what is unclear is neither in nor out."""

from collections.abc import Sequence

import pytest

from functions.sweep.look_ups import LookUps
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.errors import LyticsSendGridError, RequestRefused, Throttled
from lytics_sendgrid.lytics.documents import LyticsPerson
from tests.clock import ManualClock

VIPS, READERS = Audience("a" * 32, "VIPs", "vips"), Audience("b" * 32, "Readers", "readers")
ANN = "ann@example.org"
EMAIL = {VIPS.id: ["email"], READERS.id: ["email"]}


class People:
    """Answers look-ups from a script."""

    def __init__(self, *answers: LyticsPerson | LyticsSendGridError | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None:
        assert list(fields) == [email_field]
        self.asked.append((email_field, email))
        answer = self.answers.pop(0)
        if isinstance(answer, LyticsSendGridError):
            raise answer
        return answer


def person(*audiences: Audience, **fields: str) -> LyticsPerson:
    return LyticsPerson(fields, frozenset(audience.id for audience in audiences), frozenset({"readers"}))


def test_one_request_answers_for_every_audience() -> None:
    people = People(person(VIPS, email="Ann@Example.org "))
    answers = LookUps(people, ManualClock()).answers(ANN, [VIPS, READERS], EMAIL)
    assert answers == {VIPS.id: True, READERS.id: False}
    assert people.asked == [("email", ANN)]


def test_slug_counts_if_lytics_shows_no_ids() -> None:
    people = People(person(email=ANN))
    answers = LookUps(people, ManualClock()).answers(ANN, [VIPS, READERS], EMAIL)
    assert answers == {VIPS.id: False, READERS.id: True}


@pytest.mark.parametrize("found", [None, person(VIPS, email="bob@example.org"), person(VIPS)])
def test_profile_that_does_not_hold_the_address_is_not_a_member(found: LyticsPerson | None) -> None:
    assert LookUps(People(found), ManualClock()).answers(ANN, [VIPS], EMAIL) == {VIPS.id: False}


def test_each_email_field_is_asked_and_one_member_is_enough() -> None:
    people = People(None, person(VIPS, work=ANN))
    fields = {VIPS.id: ["email", "work"], READERS.id: ["email"]}
    answers = LookUps(people, ManualClock()).answers(ANN, [VIPS, READERS], fields)
    assert answers == {VIPS.id: True, READERS.id: False}
    assert people.asked == [("email", ANN), ("work", ANN)]


def test_one_unclear_field_makes_the_answer_unclear() -> None:
    people = People(RequestRefused("no"), person(VIPS, work=ANN))
    fields = {VIPS.id: ["email", "work"]}
    assert LookUps(people, ManualClock()).answers(ANN, [VIPS], fields) == {VIPS.id: None}


def test_throttled_look_up_waits_as_lytics_asks() -> None:
    clock = ManualClock()
    people = People(Throttled("429", 7.0), Throttled("429", 900.0), person(VIPS, email=ANN))
    assert LookUps(people, clock).answers(ANN, [VIPS], EMAIL) == {VIPS.id: True}
    assert clock.sleeps == [7.0, 30.0]


def test_third_failure_is_unclear_without_another_wait() -> None:
    clock = ManualClock()
    people = People(*(Throttled("429") for _ in range(3)))
    assert LookUps(people, clock).answers(ANN, [VIPS], EMAIL) == {VIPS.id: None}
    assert clock.sleeps == [0.5, 1.0]


def test_lytics_is_asked_no_more_after_20_failures_in_a_row() -> None:
    people = People(*(Throttled("429") for _ in range(20)))
    look_ups = LookUps(people, ManualClock())
    for _ in range(30):
        assert look_ups.answers(ANN, [VIPS], EMAIL) == {VIPS.id: None}
    assert len(people.asked) == 20
