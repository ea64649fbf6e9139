"""inspect's answer about one person, from the ledger, SendGrid and Lytics."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions.inspect.answer import Sides, inspect_person
from functions.inspect.document import answer_document
from functions.inspect.question import Question, question_from
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, contact_key
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import InputInvalid, KeyRefused, ServiceUnavailable
from lytics_sendgrid.lytics.documents import LyticsJob, LyticsPerson
from lytics_sendgrid.sendgrid.resources import ContactSearch, Segment
from tests.doubles.adapters import contacts_table, erasures_table, exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.unit.functions.inspect.person_scene import (
    ACCOUNT,
    AGREED,
    CONTACT,
    EXPORT,
    LYTICS,
    NOW_MS,
    SENDGRID,
)


def test_person_in_no_audience_is_reported_as_such() -> None:
    nowhere = replace(CONTACT, memberships={})
    document = answer_document(
        replace(
            AGREED,
            contact=nowhere,
            lytics=replace(LYTICS, audience_ids=frozenset(), audience_slugs=frozenset()),
            sendgrid=replace(
                SENDGRID, custom_fields={**SENDGRID.custom_fields, "lytics_segments": "none"}, segment_ids=()
            ),
        )
    )
    assert document["answer"] == "All agree: the person is not in any of the export's audiences"
    assert document["sendgrid"]["membership"] == {"lytics_segments": "none"}


def test_person_unknown_everywhere_is_reported() -> None:
    strange = replace(AGREED, contact=UNKNOWN, sendgrid=None, lytics=None)
    document = answer_document(strange)
    assert document["answer"].startswith("Neither Lytics nor SendGrid nor the ledger knows this person")
    assert (document["ledger"]["known"], document["sendgrid"]["known"], document["lytics"]["known"]) == (
        False,
    ) * 3


def test_unanswered_sides_are_unknown_not_different() -> None:
    found = replace(
        AGREED, sendgrid=None, sendgrid_fault="503", lytics=None, lytics_fault="401", stop="a list was gone"
    )
    document = answer_document(found)
    assert [sentence.split(":")[0] for sentence in document["differences"]] == [
        "The export is stopped, so nothing reaches SendGrid now",
        "Lytics' side is unknown",
        "SendGrid's side is unknown",
    ]
    assert document["answer"].endswith("(2 more below)")
    assert [seat["sendgrid"] for seat in document["audiences"]] == [None, None]


JANE = "jane@example.com"
KEY = contact_key("main", JANE)


class InTime:
    """Answers to which some questions have no answer in time."""

    def __init__(self, *in_time: bool) -> None:
        self._in_time = list(in_time)

    def answers(self, *questions: Callable[[], Any]) -> list[Any]:
        return [question() if self._in_time.pop(0) else None for question in questions]


class Scene:
    """Our tables with the person; each vendor returns, or raises, what it is given."""

    def __init__(
        self, sendgrid: ContactSearch | Exception, people: dict[str, LyticsPerson] | Exception
    ) -> None:
        dynamodb = DynamoDb()
        self.configurations = exports_table(dynamodb, ACCOUNT, EXPORT)
        self.erasures = erasures_table(dynamodb)
        self.ledger = contacts_table(dynamodb)
        self.ledger.commit([Commit(KEY, replace(CONTACT, version=0))], {KEY: UNKNOWN})
        self._sendgrid = sendgrid
        self._people = people
        self.asked: list[str] = []

    def contacts(self, emails: Sequence[str]) -> ContactSearch:
        if isinstance(self._sendgrid, Exception):
            raise self._sendgrid
        return self._sendgrid

    def find_segment(self, segment_id: str) -> Segment | None:
        return Segment(segment_id, "Segment", None)

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]:
        return (LyticsJob("j1", "Webhooks", "webhook_triggers", "running", {}, (), {}),)

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None:
        self.asked.append(email)
        if isinstance(self._people, Exception):
            raise self._people
        return self._people.get(email)

    def inspect(
        self,
        email: str = JANE,
        export: str = "news",
        wait_s: float = 2.5,
        in_time: InTime | None = None,
        *,
        is_deliver_paused: bool = False,
    ) -> dict[str, Any]:
        sides = Sides(self.ledger, self, self, self.erasures, "https://hooks.example.com", is_deliver_paused)
        question = Question(export, email, wait_s)
        return inspect_person(question, self.configurations, lambda _: sides, NOW_MS, in_time)


def test_lytics_is_searched_in_lower_case_and_as_typed() -> None:
    scene = Scene(ContactSearch({JANE: SENDGRID}, frozenset()), {"Jane@example.com": LYTICS})
    assert scene.inspect(" Jane@example.com ")["differences"] == []
    assert scene.asked == [JANE, "Jane@example.com"]


def test_person_missing_in_lytics_is_searched_in_both_forms() -> None:
    scene = Scene(ContactSearch({}, frozenset()), {})
    assert "Lytics does not" in scene.inspect("Jane@example.com")["differences"][0]
    assert len(scene.asked) == 2


def test_address_that_sendgrid_refuses_is_reported() -> None:
    (sentence,) = Scene(ContactSearch({}, frozenset({JANE})), {JANE: LYTICS}).inspect()["differences"]
    assert "this e-mail address as invalid" in sentence


def test_errors_of_vendors_are_reported_not_raised() -> None:
    scene = Scene(ServiceUnavailable("down"), KeyRefused("401"))
    scene.configurations.put_stop("news", Stop("no list", 1, 2))
    document = scene.inspect()
    assert len(document["differences"]) == 3
    assert document["stop"] == "no list"


@pytest.mark.parametrize(("email", "export"), [("jane", "news"), (JANE, "other")])
def test_invalid_question_is_refused_without_repeating_it(email: str, export: str) -> None:
    with pytest.raises(InputInvalid) as refusal:
        Scene(ContactSearch({}, frozenset()), {}).inspect(email, export)
    assert "jane" not in str(refusal.value)


def test_refused_address_is_to_be_corrected() -> None:
    with pytest.raises(
        InputInvalid, match=r'"email" is not an e-mail address \(it .* U\+200B\), .*: correct it$'
    ):
        Scene(ContactSearch({}, frozenset()), {}).inspect("jane\u200b@example.com")


@pytest.mark.parametrize("document", [None, [], {}, {"email": 7}, {"email": JANE, "export": 7}])
def test_malformed_question_is_refused(document: object) -> None:
    with pytest.raises(InputInvalid, match="expected"):
        question_from(document)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"export": "news"}, '"email" is missing: expected'),
        ({"email": 7}, '"email" must be text in quotes'),
        ({"email": JANE, "export": None}, '"export" must be text in quotes'),
        ("jane", "the question is not a JSON object"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(document: object, text: str) -> None:
    with pytest.raises(InputInvalid, match=text):
        question_from(document)


def test_question_without_export_means_the_default_export() -> None:
    assert question_from({"email": JANE}) == Question("default", JANE)
    assert question_from({"email": JANE, "export": "news"}) == Question("news", JANE)


def test_erased_person_is_reported_with_the_end_of_the_hold() -> None:
    scene = Scene(ContactSearch({JANE: SENDGRID}, frozenset()), {JANE: LYTICS})
    scene.erasures.put_erasure("main", [JANE], [], at_s=NOW_MS // 1000 - 60, until_s=NOW_MS // 1000 + 60)
    document = scene.inspect()
    assert document["erased"] == {"at": "2026-11-18T11:05:40Z", "kept_out_until": "2026-11-18T11:07:40Z"}
    assert "was erased at 2026-11-18T11:05:40Z and is kept out until 2026-11-18T11:07" in document["answer"]


@pytest.mark.parametrize(
    ("in_time", "late"),
    [((False, True), ["SendGrid"]), ((True, False), ["Lytics"]), ((False, False), ["Lytics", "SendGrid"])],
)
def test_side_that_has_not_answered_in_time_is_named(in_time: tuple[bool, bool], late: list[str]) -> None:
    scene = Scene(ContactSearch({JANE: SENDGRID}, frozenset()), {JANE: LYTICS})
    document = scene.inspect(in_time=InTime(*in_time), is_deliver_paused=True)
    unknown = [text for text in document["differences"] if "has not answered within 2.5 seconds" in text]
    assert [text.partition("'")[0] for text in unknown] == late
    assert any("deliver is paused" in text for text in document["differences"])


def test_segments_that_come_too_late_are_left_out() -> None:
    scene = Scene(ContactSearch({JANE: SENDGRID}, frozenset()), {JANE: LYTICS})
    document = scene.inspect(in_time=InTime(True, True, False))
    assert document["differences"] == []


def test_question_says_how_long_to_wait_and_who_asks() -> None:
    document = {"email": JANE, "export": "news", "wait_s": 15, "asked_by": "subject-1"}
    assert question_from(document) == Question("news", JANE, 15, "subject-1")


@pytest.mark.parametrize("key", ["wait_s", "asked_by"])
@pytest.mark.parametrize("value", [0, -1, 51, True, [], {}, "x" * 256])
def test_other_keys_of_a_question_are_bounded(key: str, value: object) -> None:
    with pytest.raises(InputInvalid, match=f'"{key}" must be'):
        question_from({"email": JANE, key: value})
