"""Where the three sides differ about a person, and what is said of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from functions.inspect.answer import Question, Sides, answer_document, inspect_person, question_from
from functions.inspect.differences import IN_FLIGHT_MS, differences
from functions.inspect.findings import Findings
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, ContactKey, Rejection
from lytics_sendgrid.errors import InputInvalid, KeyRefused, ServiceUnavailable
from lytics_sendgrid.lytics.documents import Person
from lytics_sendgrid.sendgrid.resources import Found, SendGridContact

FIRST, SECOND = "1" * 32, "2" * 32
NOW_MS = 1_795_000_000_000
SENT_MS = NOW_MS - IN_FLIGHT_MS
NAME = MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50)
VALUE = MappedField("ltv", "e2_N", "ltv", FieldKind.NUMBER, 1000)
BORN = MappedField("birthday", "e3_D", "birthday", FieldKind.DATE, 1000)
EXPORT = Export(
    "news",
    "default",
    "main",
    2,
    "email",
    (NAME, VALUE, BORN),
    (Audience(FIRST, "First", "first"), Audience(SECOND, "Second", "second")),
    lytics_job="j1",
)
ACCOUNT = Account(
    "main",
    2,
    {"lytics_segments": "e1_T"},
    {
        FIRST: ProvisionedAudience("lytics_segments", "s1", None, ("news",)),
        SECOND: ProvisionedAudience("lytics_segments", "s2", None, ("news",)),
    },
)
CONTACT = Contact(
    1,
    {FIRST: 7_000_000_000, SECOND: -8_000_000_000},
    {"first_name": (1, "Jane"), "e2_N": (1, 12.5), "e3_D": (1, "1990-02-03T00:00:00Z")},
    (),
    "job-7",
    SENT_MS,
    "row",
    2,
)
SENDGRID = SendGridContact(
    "c1",
    {"first_name": "Jane", "updated_at": "2026-11-23T00:00:00Z"},
    {"lytics_segments": FIRST, "ltv": "12.50", "birthday": "1990-02-03T00:00:00+00:00"},
    (),
    ("s1",),
)
LYTICS = Person(
    {"first_name": "Jane", "ltv": "12.50", "birthday": "1990-02-03"}, frozenset({FIRST}), frozenset({"first"})
)
AGREED = Findings(EXPORT, ACCOUNT, CONTACT, SENDGRID, None, LYTICS, None, None, NOW_MS)


def said(found: Findings = AGREED, **changes: Any) -> list[str]:
    return differences(replace(found, **changes))


def test_no_difference_is_reported_when_all_sides_agree() -> None:
    assert said() == []
    assert answer_document(AGREED)["answer"] == "All agree: the person is in 'First'"


def test_custom_fields_may_be_keyed_by_id() -> None:
    by_id = {"e1_T": FIRST, "e2_N": 12.5, "e3_D": "1990-02-03T00:00:00Z"}
    assert said(sendgrid=replace(SENDGRID, custom_fields=by_id)) == []


def test_audience_is_found_by_slug_when_lytics_gives_no_ids() -> None:
    assert said(lytics=replace(LYTICS, audience_ids=frozenset())) == []


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
    assert document["answer"] == "All agree: the person is in none of the export's audiences"
    assert document["sendgrid"]["membership"] == {"lytics_segments": "none"}


def test_missing_enter_event_is_reported_with_the_last_exit() -> None:
    (sentence,) = said(lytics=replace(LYTICS, audience_ids=frozenset({FIRST, SECOND})))
    assert "Lytics has the person in 'Second' and the ledger does not" in sentence
    assert "the last event that arrived is the exit of 1970-01-01T00:00:08Z" in sentence
    assert "look whether the webhook job j1 runs in Lytics" in sentence


def test_export_without_webhook_job_is_reported() -> None:
    everywhere = replace(LYTICS, audience_ids=frozenset({FIRST, SECOND}))
    never = replace(CONTACT, memberships={FIRST: 7_000_000_000})
    (sentence,) = said(lytics=everywhere, contact=never, export=replace(EXPORT, lytics_job=None))
    assert "no enter event has arrived" in sentence
    assert "this product has made none" in sentence


def test_missing_exit_event_is_reported() -> None:
    (sentence,) = said(lytics=replace(LYTICS, audience_ids=frozenset({"3" * 32})))
    assert "The ledger has the person in 'First' and Lytics does not" in sentence


def test_deleted_profile_is_reported_as_missing_exit() -> None:
    (sentence,) = said(lytics=None)
    assert "Lytics sends no exit for people whom it deleted" in sentence


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"contact": replace(CONTACT, row=None)}, "the ledger knows of the person and nothing was sent yet"),
        (
            {"contact": replace(CONTACT, sent_ms=NOW_MS - 5_000)},
            "yet: its row was sent 5 s ago (import job job-7)",
        ),
        ({}, "it was deleted there, or that job failed for it"),
    ],
)
def test_contact_missing_in_sendgrid_is_reported(changes: dict[str, Any], expected: str) -> None:
    (sentence, *_) = said(sendgrid=None, **changes)
    assert expected in sentence


def test_person_unknown_everywhere_is_reported() -> None:
    strange = replace(AGREED, contact=UNKNOWN, sendgrid=None, lytics=None)
    document = answer_document(strange)
    assert document["answer"].startswith("Neither Lytics nor SendGrid nor the ledger knows this person")
    assert (document["ledger"]["known"], document["sendgrid"]["known"], document["lytics"]["known"]) == (
        False,
    ) * 3


def test_person_never_in_an_audience_is_not_missing_in_sendgrid() -> None:
    assert said(contact=UNKNOWN, sendgrid=None, lytics=None) == []


def test_rejected_contact_is_reported_with_sendgrids_message() -> None:
    rejection = Rejection("address", "email 'x' is not valid", "row", NOW_MS)
    found = replace(AGREED, contact=replace(CONTACT, rejection=rejection), sendgrid=None)
    assert len(said(found)) == 1
    assert answer_document(found)["ledger"]["rejection"]["reason"] == "address"


@pytest.mark.parametrize(
    ("membership", "age_ms", "expected"),
    [
        (
            "none",
            IN_FLIGHT_MS,
            "The ledger has the person in 'First' and SendGrid does not, and nothing is under way",
        ),
        (
            "none",
            1_000,
            "The ledger has the person in 'First' and SendGrid does not: its row was sent 1 s ago",
        ),
        (
            f"{FIRST},{SECOND}",
            IN_FLIGHT_MS,
            "SendGrid has the person in 'Second' and the ledger does not, and nothing",
        ),
    ],
)
def test_membership_that_differs_in_sendgrid_is_reported(membership: str, age_ms: int, expected: str) -> None:
    fields = {**SENDGRID.custom_fields, "lytics_segments": membership}
    contact = replace(CONTACT, sent_ms=NOW_MS - age_ms)
    (sentence,) = said(contact=contact, sendgrid=replace(SENDGRID, custom_fields=fields))
    assert expected in sentence


def test_lagging_segment_is_reported_for_enter_and_exit() -> None:
    sentences = said(sendgrid=replace(SENDGRID, segment_ids=("s2",)))
    assert ["does not list the person yet" in sentences[0], "still lists the person" in sentences[1]] == [
        True,
        True,
    ]


def test_audience_without_segment_is_reported() -> None:
    sentences = said(account=replace(ACCOUNT, audiences={FIRST: ACCOUNT.audiences[FIRST]}))
    assert sentences == ["The audience 'Second' has no segment: start the export again"]


@pytest.mark.parametrize(
    ("age_ms", "expected"), [(IN_FLIGHT_MS, "Put it back by hand"), (1_000, "was sent 1 s ago")]
)
def test_contact_missing_from_the_list_is_reported(age_ms: int, expected: str) -> None:
    contact = replace(CONTACT, sent_ms=NOW_MS - age_ms)
    export = replace(EXPORT, list_id="l1", list_name="News")
    (sentence,) = said(contact=contact, export=export)
    assert "not on the list 'News'" in sentence
    assert expected in sentence
    assert said(export=export, sendgrid=replace(SENDGRID, list_ids=("l1",))) == []
    assert said(export=export, contact=replace(CONTACT, row=None)) == []


def test_fields_that_differ_are_reported() -> None:
    lytics = replace(LYTICS, fields={**LYTICS.fields, "ltv": 99})
    sendgrid = replace(SENDGRID, values={"first_name": ""})
    sentences = said(lytics=lytics, sendgrid=sendgrid)
    assert "SendGrid has first_name = None and the ledger 'Jane': something else wrote it" in sentences[0]
    assert "Lytics has ltv = 99 and the ledger 12.5" in sentences[1]
    flying = said(lytics=lytics, sendgrid=sendgrid, contact=replace(CONTACT, sent_ms=NOW_MS))
    assert "SendGrid has first_name = None and the ledger 'Jane': its row was sent 0 s ago" in flying[0]


def test_value_that_lytics_no_longer_has_is_not_a_difference() -> None:
    assert said(lytics=replace(LYTICS, fields={})) == []


def test_unanswered_sides_are_unknown_not_different() -> None:
    found = replace(
        AGREED, sendgrid=None, sendgrid_fault="503", lytics=None, lytics_fault="401", stop="a list was gone"
    )
    document = answer_document(found)
    assert [sentence.split(":")[0] for sentence in document["differences"]] == [
        "The export is stopped, so nothing reaches SendGrid now",
        "Lytics' side is not known",
        "SendGrid's side is not known",
    ]
    assert document["answer"].endswith("(2 more below)")
    assert [seat["sendgrid"] for seat in document["audiences"]] == [None, None]


class Answering:
    """All three sides, which answer from what a test gives, or raise it."""

    def __init__(self, sendgrid: Found | Exception, people: dict[str, Person] | Exception) -> None:
        self._sendgrid = sendgrid
        self._people = people
        self.asked: list[str] = []

    def load(self, keys: Iterable[ContactKey]) -> dict[ContactKey, Contact]:
        return dict.fromkeys(keys, CONTACT)

    def contacts(self, emails: Sequence[str]) -> Found:
        if isinstance(self._sendgrid, Exception):
            raise self._sendgrid
        return self._sendgrid

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> Person | None:
        self.asked.append(email)
        if isinstance(self._people, Exception):
            raise self._people
        return self._people.get(email)


class Configured:
    """One export and its account, stopped or not."""

    def __init__(self, stop: str | None = None) -> None:
        self._stop = stop

    def export(self, name: str) -> Export | None:
        return EXPORT if name == EXPORT.name else None

    def account(self, name: str) -> Account:
        return ACCOUNT

    def stop(self, export: str) -> Any:
        return SimpleNamespace(reason=self._stop) if self._stop else None


JANE = "jane@example.com"


def inspect(
    sides: Answering, email: str = JANE, export: str = "news", stop: str | None = None
) -> dict[str, Any]:
    return inspect_person(
        Question(export, email), Configured(stop), lambda _: Sides(sides, sides, sides), NOW_MS
    )


def test_lytics_is_searched_in_lower_case_and_as_typed() -> None:
    sides = Answering(Found({JANE: SENDGRID}, frozenset()), {"Jane@example.com": LYTICS})
    assert inspect(sides, " Jane@example.com ")["differences"] == []
    assert sides.asked == [JANE, "Jane@example.com"]


def test_person_missing_in_lytics_is_searched_in_both_forms() -> None:
    sides = Answering(Found({}, frozenset()), {})
    assert "Lytics does not" in inspect(sides, "Jane@example.com")["differences"][0]
    assert len(sides.asked) == 2


def test_address_that_sendgrid_refuses_is_reported() -> None:
    (sentence,) = inspect(Answering(Found({}, frozenset({JANE})), {JANE: LYTICS}))["differences"]
    assert "no valid e-mail address" in sentence


def test_errors_of_vendors_are_reported_not_raised() -> None:
    document = inspect(Answering(ServiceUnavailable("down"), KeyRefused("401")), stop="no list")
    assert len(document["differences"]) == 3
    assert document["stop"] == "no list"


@pytest.mark.parametrize(("email", "export"), [("jane", "news"), (JANE, "other")])
def test_invalid_question_is_refused_without_repeating_it(email: str, export: str) -> None:
    with pytest.raises(InputInvalid) as refusal:
        inspect(Answering(Found({}, frozenset()), {}), email, export)
    assert "jane" not in str(refusal.value)


@pytest.mark.parametrize("document", [None, [], {}, {"email": 7}, {"email": JANE, "export": 7}])
def test_malformed_question_is_refused(document: object) -> None:
    with pytest.raises(InputInvalid, match="ask with"):
        question_from(document)


def test_question_without_export_means_the_default_export() -> None:
    assert question_from({"email": JANE}) == Question("default", JANE)
    assert question_from({"email": JANE, "export": "news"}) == Question("news", JANE)
