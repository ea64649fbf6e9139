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


def test_where_all_agree_nothing_is_said() -> None:
    assert said() == []
    assert answer_document(AGREED)["answer"] == "All agree: the person is in 'First'"


def test_fields_may_be_keyed_by_id() -> None:
    by_id = {"e1_T": FIRST, "e2_N": 12.5, "e3_D": "1990-02-03T00:00:00Z"}
    assert said(sendgrid=replace(SENDGRID, custom_fields=by_id)) == []


def test_slugs_stand_in_for_ids_that_lytics_left_out() -> None:
    assert said(lytics=replace(LYTICS, audience_ids=frozenset())) == []


def test_somebody_in_no_audience_is_in_none() -> None:
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


def test_an_enter_that_did_not_arrive_is_told_with_the_last_exit() -> None:
    (sentence,) = said(lytics=replace(LYTICS, audience_ids=frozenset({FIRST, SECOND})))
    assert "Lytics has the person in 'Second' and the ledger does not" in sentence
    assert "the last event that arrived is the exit of 1970-01-01T00:00:08Z" in sentence
    assert "look whether the webhook job j1 runs in Lytics" in sentence


def test_an_export_without_a_job_of_ours_is_told() -> None:
    everywhere = replace(LYTICS, audience_ids=frozenset({FIRST, SECOND}))
    never = replace(CONTACT, memberships={FIRST: 7_000_000_000})
    (sentence,) = said(lytics=everywhere, contact=never, export=replace(EXPORT, lytics_job=None))
    assert "no enter event has arrived" in sentence
    assert "this product has made none" in sentence


def test_an_exit_that_did_not_arrive_is_told() -> None:
    (sentence,) = said(lytics=replace(LYTICS, audience_ids=frozenset({"3" * 32})))
    assert "The ledger has the person in 'First' and Lytics does not" in sentence


def test_a_profile_that_lytics_lost_is_an_exit_that_did_not_arrive() -> None:
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
def test_a_contact_that_sendgrid_lacks_is_told(changes: dict[str, Any], expected: str) -> None:
    (sentence, *_) = said(sendgrid=None, **changes)
    assert expected in sentence


def test_somebody_whom_nobody_knows_is_not_known() -> None:
    strange = replace(AGREED, contact=UNKNOWN, sendgrid=None, lytics=None)
    document = answer_document(strange)
    assert document["answer"].startswith("Neither Lytics nor SendGrid nor the ledger knows this person")
    assert (document["ledger"]["known"], document["sendgrid"]["known"], document["lytics"]["known"]) == (
        False,
    ) * 3


def test_nobody_is_missed_who_never_was_in_an_audience() -> None:
    assert said(contact=UNKNOWN, sendgrid=None, lytics=None) == []


def test_a_refused_contact_is_told_with_sendgrids_words() -> None:
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
def test_a_membership_that_sendgrid_has_otherwise_is_told(
    membership: str, age_ms: int, expected: str
) -> None:
    fields = {**SENDGRID.custom_fields, "lytics_segments": membership}
    contact = replace(CONTACT, sent_ms=NOW_MS - age_ms)
    (sentence,) = said(contact=contact, sendgrid=replace(SENDGRID, custom_fields=fields))
    assert expected in sentence


def test_a_lagging_segment_is_told_both_ways() -> None:
    sentences = said(sendgrid=replace(SENDGRID, segment_ids=("s2",)))
    assert ["does not list the person yet" in sentences[0], "still lists the person" in sentences[1]] == [
        True,
        True,
    ]


def test_an_audience_without_a_segment_is_told() -> None:
    sentences = said(account=replace(ACCOUNT, audiences={FIRST: ACCOUNT.audiences[FIRST]}))
    assert sentences == ["The audience 'Second' has no segment: start the export again"]


@pytest.mark.parametrize(
    ("age_ms", "expected"), [(IN_FLIGHT_MS, "Put it back by hand"), (1_000, "was sent 1 s ago")]
)
def test_a_contact_that_is_not_on_the_list_is_told(age_ms: int, expected: str) -> None:
    contact = replace(CONTACT, sent_ms=NOW_MS - age_ms)
    export = replace(EXPORT, list_id="l1", list_name="News")
    (sentence,) = said(contact=contact, export=export)
    assert "not on the list 'News'" in sentence
    assert expected in sentence
    assert said(export=export, sendgrid=replace(SENDGRID, list_ids=("l1",))) == []
    assert said(export=export, contact=replace(CONTACT, row=None)) == []


def test_fields_that_differ_are_told() -> None:
    lytics = replace(LYTICS, fields={**LYTICS.fields, "ltv": 99})
    sendgrid = replace(SENDGRID, values={"first_name": ""})
    sentences = said(lytics=lytics, sendgrid=sendgrid)
    assert "SendGrid has first_name = None and the ledger 'Jane': something else wrote it" in sentences[0]
    assert "Lytics has ltv = 99 and the ledger 12.5" in sentences[1]
    flying = said(lytics=lytics, sendgrid=sendgrid, contact=replace(CONTACT, sent_ms=NOW_MS))
    assert "SendGrid has first_name = None and the ledger 'Jane': its row was sent 0 s ago" in flying[0]


def test_a_value_that_lytics_no_longer_has_is_no_difference() -> None:
    assert said(lytics=replace(LYTICS, fields={})) == []


def test_sides_that_did_not_answer_are_not_judged() -> None:
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


def test_lytics_is_asked_for_the_address_in_lower_case_and_as_typed() -> None:
    sides = Answering(Found({JANE: SENDGRID}, frozenset()), {"Jane@example.com": LYTICS})
    assert inspect(sides, " Jane@example.com ")["differences"] == []
    assert sides.asked == [JANE, "Jane@example.com"]


def test_a_person_whom_lytics_does_not_have_is_looked_for_under_both_forms() -> None:
    sides = Answering(Found({}, frozenset()), {})
    assert "Lytics does not" in inspect(sides, "Jane@example.com")["differences"][0]
    assert len(sides.asked) == 2


def test_an_address_that_sendgrid_refuses_is_told() -> None:
    (sentence,) = inspect(Answering(Found({}, frozenset({JANE})), {JANE: LYTICS}))["differences"]
    assert "no valid e-mail address" in sentence


def test_sides_that_fail_are_told_and_not_raised() -> None:
    document = inspect(Answering(ServiceUnavailable("down"), KeyRefused("401")), stop="no list")
    assert len(document["differences"]) == 3
    assert document["stop"] == "no list"


@pytest.mark.parametrize(("email", "export"), [("jane", "news"), (JANE, "other")])
def test_what_cannot_be_asked_is_refused_without_repeating_it(email: str, export: str) -> None:
    with pytest.raises(InputInvalid) as refusal:
        inspect(Answering(Found({}, frozenset()), {}), email, export)
    assert "jane" not in str(refusal.value)


@pytest.mark.parametrize("document", [None, [], {}, {"email": 7}, {"email": JANE, "export": 7}])
def test_a_question_of_another_form_is_refused(document: object) -> None:
    with pytest.raises(InputInvalid, match="ask with"):
        question_from(document)


def test_a_question_names_an_export_or_means_the_default_one() -> None:
    assert question_from({"email": JANE}) == Question("default", JANE)
    assert question_from({"email": JANE, "export": "news"}) == Question("news", JANE)
