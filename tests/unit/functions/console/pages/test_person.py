"""The page Person: for operators, by POST, with the answer of inspect."""

from typing import Any

import pytest

from lytics_sendgrid.errors import InputInvalid, KeyRefused, ServiceUnavailable
from tests.newsletter import NEWSLETTER
from tests.unit.functions.console.scene import OPERATOR, SETTINGS, VIEWER, Scene

EMAIL = "ada.lukasik.1@example.com"
ANSWER: dict[str, Any] = {
    "export": "newsletter",
    "answer": "SendGrid has the membership, but the segment does not list the person yet (1 more below)",
    "differences": ["the segment is refreshed later", "<b>city</b> differs"],
    "audiences": [
        {
            "id": "5f1c",
            "name": "\u202eHigh <value>",
            "lytics": True,
            "ledger": True,
            "sendgrid": None,
            "segment": False,
            "last_event": "2026-11-23T18:43:45Z",
        }
    ],
    "fields": {"city": {"lytics": "Graz", "ledger": "Wien", "sendgrid": None}},
    "ledger": {
        "known": True,
        "lists": [],
        "last_sent": "2026-11-23T18:53:48Z",
        "import_job": "e443",
        "rejection": {"reason": "fields", "message": "city is too long", "at": "2026-11-23T18:53:48Z"},
    },
    "sendgrid": {"known": None},
    "lytics": {"known": True},
    "stop": "SendGrid refuses the key",
    "erased": {"at": "2026-11-23T18:53:48Z", "kept_out_until": "2026-12-23T18:53:48Z"},
}


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.exports.put_export(NEWSLETTER)
    scene.functions.answers[SETTINGS.inspect_function] = ANSWER
    return scene


def test_without_exports_there_is_nobody_to_look_up() -> None:
    page = Scene().get("/person")
    assert page.status == 200
    assert '<form method="post" action="/console/person"' not in page.html


def test_form_names_the_exports(scene: Scene) -> None:
    page = scene.get("/person")
    assert "<option>newsletter</option>" in page.html
    assert 'aria-current="page">Person' in page.html


def test_answer_is_one_sentence_and_the_sides_in_columns(scene: Scene) -> None:
    page = scene.post("/person", {"export": "newsletter", "email": f" {EMAIL} "})
    assert page.status == 200
    assert ANSWER["answer"] in page.text
    assert "&lt;b&gt;city&lt;/b&gt; differs" in page.html
    assert "<bdi>\u202eHigh &lt;value&gt;</bdi>" in page.html
    for words in ("yes", "no", "unknown", "Graz", "Wien", "city is too long", "kept out until"):
        assert words in page.text


def test_look_up_says_who_asks_and_how_long_to_wait(scene: Scene) -> None:
    scene.post("/person", {"export": "newsletter", "email": EMAIL})
    (call,) = scene.functions.calls
    question = {"export": "newsletter", "email": EMAIL, "wait_s": 15, "asked_by": OPERATOR.subject}
    assert call == (SETTINGS.inspect_function, question)


def test_answer_without_differences_and_extras(scene: Scene) -> None:
    plain: dict[str, Any] = {"differences": [], "fields": {}, "stop": None, "erased": None}
    ledger = {"known": False, "last_sent": None, "rejection": None}
    audience = ANSWER["audiences"][0] | {"last_event": None, "lytics": False, "ledger": False}
    answer = ANSWER | plain | {"ledger": ledger, "audiences": [audience]}
    scene.functions.answers[SETTINGS.inspect_function] = answer
    page = scene.post("/person", {"export": "newsletter", "email": EMAIL})
    assert "Everything that differs" not in page.text
    assert "never" in page.text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"export": "newsletter", "email": " "}, "Enter the person's e-mail address"),
        ({"export": "newsletter"}, "Enter the person's e-mail address"),
        ({"export": "gone", "email": EMAIL}, "There is no export of this name any more"),
    ],
)
def test_fault_stands_beside_its_control(scene: Scene, sent: dict[str, str], words: str) -> None:
    page = scene.post("/person", sent)
    assert page.status == 422
    assert words in page.text
    assert page.html.count('aria-invalid="true"') == 1
    assert scene.functions.calls == []


def test_address_that_inspect_refuses_is_a_fault(scene: Scene) -> None:
    refusal = (
        'The address in "email" is not an e-mail address, so a person with it is never exported: correct it'
    )
    scene.functions.answers[SETTINGS.inspect_function] = InputInvalid(refusal)
    page = scene.post("/person", {"export": "newsletter", "email": "ada"})
    assert (page.status, refusal in page.text) == (422, True)
    assert page.html.count('aria-invalid="true"') == 1


def test_refused_key_is_no_fault_of_the_address(scene: Scene) -> None:
    scene.functions.answers[SETTINGS.inspect_function] = KeyRefused("SendGrid refuses the key")
    page = scene.post("/person", {"export": "newsletter", "email": EMAIL})
    assert (page.status, "SendGrid refuses the key" in page.text) == (503, True)
    assert "aria-invalid" not in page.html


def test_look_up_that_takes_too_long_leaves_the_page_usable(scene: Scene) -> None:
    scene.functions.answers[SETTINGS.inspect_function] = ServiceUnavailable("timed out")
    page = scene.post("/person", {"export": "newsletter", "email": EMAIL})
    assert page.status == 503
    assert "try again" in page.text
    assert f'value="{EMAIL}"' in page.html


def test_a_viewer_sees_no_person(scene: Scene) -> None:
    assert scene.get("/person", as_=VIEWER).status == 403
    assert scene.post("/person", {"export": "newsletter", "email": EMAIL}, as_=VIEWER).status == 403
    assert scene.functions.calls == []
