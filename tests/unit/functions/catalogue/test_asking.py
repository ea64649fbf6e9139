"""What both vendors hold, and that one that does not answer leaves the other's answer."""

import pytest

from functions.catalogue.asking import ask
from lytics_sendgrid.errors import AnswerLost, KeyRefused, StopRun
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField
from lytics_sendgrid.workflow.catalogue import Catalogue, FieldChoice, ListChoice
from tests.doubles.lytics import LyticsInMemory
from tests.doubles.sendgrid import SendGridInMemory


def lytics_of(error: Exception | None = None) -> LyticsInMemory:
    lytics = LyticsInMemory(
        LyticsAudience("b" * 32, "VIP", "vip_2"),
        LyticsAudience("a" * 32, "vip", "vip", size=7),
        LyticsAudience("c" * 32, "All", "all", fault="field gone"),
    )
    lytics.fields = {"visits": "int", "Email": "string"}
    if error:
        lytics.refusals["audiences"] = error
    return lytics


def sendgrid_of(error: Exception | None = None) -> SendGridInMemory:
    sendgrid = SendGridInMemory()
    sendgrid.contact_lists = [ContactList("l2", "News"), ContactList("l1", "News")]
    sendgrid.custom_fields = [CustomField("e1_N", "visits", "Number")]
    if error:
        sendgrid.refusals["lists"] = error
    return sendgrid


def answers(lytics: LyticsInMemory, sendgrid: SendGridInMemory) -> list[Catalogue]:
    return list(ask(100, lambda: (lytics, sendgrid)))


def test_catalogue_has_what_both_accounts_hold_in_order_of_names() -> None:
    first, last = answers(lytics_of(), sendgrid_of())
    assert (first.done, first.lists, last.done, last.asked_s) == (False, None, True, 100)
    assert [(a.name, a.slug, a.size, a.fault) for a in last.audiences or ()] == [
        ("All", "all", None, "field gone"),
        ("vip", "vip", 7, ""),
        ("VIP", "vip_2", None, ""),
    ]
    assert last.lytics_fields == (
        FieldChoice(name="Email", type="string"),
        FieldChoice(name="visits", type="int"),
    )
    assert last.lists == (ListChoice(id="l1", name="News"), ListChoice(id="l2", name="News"))
    assert last.sendgrid_fields == (FieldChoice(name="visits", type="Number"),)
    assert Catalogue.read(last.document()) == last


@pytest.mark.parametrize("error", [AnswerLost("Lytics: read timeout"), KeyRefused("Lytics answered 401")])
def test_silent_lytics_leaves_sendgrids_answer(error: Exception) -> None:
    first, last = answers(lytics_of(error), sendgrid_of())
    assert first.faults == last.faults == {"lytics": str(error)}
    assert (last.done, last.audiences, last.lytics_fields) == (True, None, None)
    assert last.lists


def test_silent_sendgrid_leaves_lytics_answer() -> None:
    last = answers(lytics_of(), sendgrid_of(AnswerLost("SendGrid: " + "x" * 2_000)))[-1]
    assert last.audiences
    assert (last.done, last.lists, last.sendgrid_fields) == (True, None, None)
    assert last.faults["sendgrid"].endswith(" ...")


def test_keys_that_cannot_be_read_are_a_fault_of_both() -> None:
    def connect() -> tuple[LyticsInMemory, SendGridInMemory]:
        raise StopRun("the secret cannot be read")

    (only,) = ask(100, connect)
    assert only.done
    assert only.faults == dict.fromkeys(("lytics", "sendgrid"), "the secret cannot be read")
