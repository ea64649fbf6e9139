"""The form of a new or changed export, without a browser."""

import gzip
import random
import re
from dataclasses import replace
from typing import Any

import pytest

from functions.console.drafts.draft import Draft, draft_key
from functions.console.signin.roles import Identity
from lytics_sendgrid.domain.configuration import Audience, Export
from lytics_sendgrid.workflow.catalogue import AudienceChoice, Catalogue, FieldChoice, catalogue_key
from tests.unit.functions.console.drafts.catalogues import CATALOGUE, HIGH_VALUE, READERS
from tests.unit.functions.console.scene import OPERATOR, VIEWER, Page, Scene

HTMX = {"HX-Request": "true"}
FORM: dict[str, Any] = {
    "export": "newsletter",
    "authorization": "default",
    "choices": "1",
    "audiences": [HIGH_VALUE],
    "email_field": "email",
    "first_name_field": "first_name",
    "last_name_field": "",
    "list": "",
    "from": ["visits", ""],
    "to": ["visit_count", ""],
    "backfill": "on",
    "subscribe": "on",
}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def answered(scene: Scene, catalogue: Catalogue = CATALOGUE, authorization: str = "default") -> None:
    """Have both vendors answered."""
    scene.store.put(catalogue_key(authorization), catalogue.document(), scene.clock.now() + 300)


def new_draft(scene: Scene) -> str:
    """Make a draft and return its path."""
    made = scene.post("/new")
    assert made.status == 303
    return path_in(made.location)


def path_in(location: str) -> str:
    return location.removeprefix("/console")


def form_of(scene: Scene, path: str) -> dict[str, Any]:
    document = scene.store.get(draft_key(path.split("/")[2]), scene.clock.now())
    assert document is not None
    return dict(Draft.read(document).form)


def values_of(page: Page, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)"', page.html)


def test_new_export_is_a_draft_that_a_click_makes(scene: Scene) -> None:
    assert '<form method="post" action="/console/new">' in scene.get("/new").html
    path = new_draft(scene)
    assert re.fullmatch(r"/drafts/[\w-]{43}", path)
    assert path != new_draft(scene)


def test_page_polls_until_both_vendors_have_answered(scene: Scene) -> None:
    path = new_draft(scene)
    page = scene.get(path)
    assert 'hx-trigger="load delay:1s, poll-now"' in page.html
    assert scene.functions.calls == [("shop-catalogue", {"authorization": "default"})]
    assert "Asking Lytics and SendGrid" in scene.fragment(f"{path}/choices").text
    assert len(scene.functions.calls) == 1
    answered(scene)
    fragment = scene.fragment(f"{path}/choices")
    assert "High value users" in fragment.text
    assert "<html" not in fragment.html


def test_controls_are_those_of_the_hosted_page_in_its_order(scene: Scene) -> None:
    answered(scene)
    text = scene.get(new_draft(scene)).text
    controls = (
        *("Authorization", "Audiences", "Email Field", "Show Advanced Options", "First Name Field"),
        *("Last Name Field", "List", "Custom Field Mappings", "Check"),
    )
    places = [text.index(control) for control in controls]
    assert places == sorted(places)


def test_form_saves_itself_and_is_there_again(scene: Scene) -> None:
    answered(scene)
    path = new_draft(scene)
    assert scene.post(path, FORM, headers=HTMX).status == 204
    page = scene.get(path)
    assert values_of(page, "export") == ["newsletter"]
    assert re.findall(r'value="(\w+)" checked', page.html)[:1] == [HIGH_VALUE]
    assert values_of(page, "from")[:1] == ["visits"]
    assert values_of(page, "to")[:1] == ["visit_count"]
    assert "1 selected, 1,234 people" in page.text


def test_without_javascript_buttons_lead_back_to_the_form(scene: Scene) -> None:
    answered(scene)
    path = new_draft(scene)
    added = scene.post(path, FORM | {"do": "add", "add": "newsletter_readers"})
    assert (added.status, added.location) == (303, f"/console{path}#audiences")
    assert form_of(scene, path)["audiences"] == [HIGH_VALUE, "newsletter_readers"]
    assert "2 selected, 1,244 people" in scene.get(path).text
    more = scene.post(path, FORM | {"do": "row"})
    rows = scene.get(path_in(more.location).partition("#")[0])
    assert len(values_of(rows, "from")) == 1 + 5 + 1
    assert "<details open>" in rows.html


def test_another_authorization_brings_its_own_choices(scene: Scene) -> None:
    answered(scene)
    answered(scene, replace_audiences("Only in the other account"), "eu")
    path = new_draft(scene)
    scene.post(path, FORM, headers=HTMX)
    saved = scene.post(path, FORM | {"authorization": "eu"}, headers=HTMX)
    assert (saved.status, saved.headers["hx-retarget"]) == (200, "#choices")
    assert "Only in the other account" in saved.text
    assert form_of(scene, path)["audiences"] == []


def replace_audiences(*names: str) -> Catalogue:
    audiences = tuple(
        AudienceChoice(id=f"{n:032x}", name=name, slug=f"s{n}", size=n) for n, name in enumerate(names)
    )
    return CATALOGUE.model_copy(update={"audiences": audiences})


def test_likeliest_email_field_is_selected_where_none_is_named_email(scene: Scene) -> None:
    fields = tuple(FieldChoice(name=name, type="string") for name in ("city", "work_email"))
    answered(scene, CATALOGUE.model_copy(update={"lytics_fields": fields}))
    page = scene.get(new_draft(scene))
    assert "<option selected>work_email</option>" in page.html
    assert "(not in Lytics)" not in page.text


def test_authorization_that_cannot_be_one_asks_nobody(scene: Scene) -> None:
    path = new_draft(scene)
    scene.post(path, {"export": "x", "authorization": "../secret"})
    page = scene.get(path)
    assert "the authorization's name must be 1 to 64 letters" in page.text
    assert scene.functions.calls == []


def test_vendor_that_does_not_answer_leaves_the_page_usable(scene: Scene) -> None:
    faults = {"lytics": "Lytics: read timeout"}
    silent = CATALOGUE.model_copy(update={"audiences": None, "lytics_fields": None, "faults": faults})
    answered(scene, silent)
    path = new_draft(scene)
    page = scene.get(path)
    assert "Not everything could be read from Lytics: Lytics: read timeout" in page.text
    assert "read from SendGrid" not in page.text
    assert "has not answered" not in page.text
    assert '<input id="email_field" name="email_field" value="email"' in page.html
    assert '<option value="l1"' in page.html
    scene.post(path, FORM | {"do": "add", "add": "vip", "audiences": []})
    assert form_of(scene, path)["audiences"] == ["vip"]
    assert "not in Lytics" not in scene.get(path).text


def test_silent_vendors_are_waited_for_a_quarter_of_a_minute(scene: Scene) -> None:
    path = new_draft(scene)
    scene.get(path)
    scene.clock.move(16)
    page = scene.get(path)
    assert "Lytics has not answered yet" in page.text
    assert "SendGrid has not answered yet" in page.text
    assert '<input id="list"' in page.html
    assert '<button name="do" value="ask"' not in page.html
    assert "Look again" in page.text


def test_late_answer_is_shown_and_not_asked_for_again(scene: Scene) -> None:
    path = new_draft(scene)
    scene.get(path)
    scene.clock.move(16)
    assert "Look again" in scene.get(path).text
    answered(scene)
    scene.post(path, FORM | {"do": "save"})
    page = scene.get(path)
    assert "High value users" in page.text
    assert "has not answered" not in page.text
    assert len(scene.functions.calls) == 1


def test_vendors_are_asked_again_on_demand(scene: Scene) -> None:
    path = new_draft(scene)
    scene.get(path)
    answered(scene, CATALOGUE.model_copy(update={"faults": {"lytics": "read timeout"}, "audiences": None}))
    assert '<button name="do" value="ask">Ask again' in scene.get(path).html
    scene.post(path, FORM | {"do": "ask"})
    assert len(scene.functions.calls) == 2
    assert "Asking Lytics and SendGrid" in scene.get(path).text


def test_answer_of_an_older_release_is_asked_for_again(scene: Scene) -> None:
    scene.store.put(catalogue_key("default"), {"audiences": 7}, scene.clock.now() + 300)
    page = scene.get(new_draft(scene))
    assert "Asking Lytics and SendGrid" in page.text


def test_catalogue_that_had_no_room_says_so(scene: Scene) -> None:
    answered(scene, CATALOGUE.model_copy(update={"left_out": {"audiences": 1_200, "lists": 3}}))
    text = scene.get(new_draft(scene)).text
    assert "There are more audiences (by 1,200) and lists (by 3) than this page can show" in text


NAMES = (
    "<script>alert(1)</script>",
    "\"quotes\" & 'apostrophes'",
    "\u202egnp.exe",
    "x" * 2_000,
    "",
    "Twins",
    "Twins",
)


def test_names_of_every_kind_are_shown_as_text(scene: Scene) -> None:
    answered(scene, replace_audiences(*NAMES))
    html = scene.get(new_draft(scene)).html
    assert "<script>alert" not in html
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in html
    assert "<bdi>\u202egnp.exe</bdi>" in html
    assert "x" * 201 not in html
    assert "(no name)" in html
    assert all(f"<bdi>s{number}</bdi>" in html for number in (4, 5, 6))


def test_text_that_was_typed_is_shown_as_text(scene: Scene) -> None:
    answered(scene)
    path = new_draft(scene)
    nasty = '"><script>alert(1)</script>'
    scene.post(
        path, FORM | {"export": nasty, "from": [nasty], "to": [nasty], "list": nasty, "audiences": [nasty]}
    )
    assert "<script>alert" not in scene.get(path).html


def test_500_audiences_are_at_most_25_kb(scene: Scene) -> None:
    random_ = random.Random(1)
    words = [f"{random_.choice('bcdfgl')}{random_.choice('aeiou')}{n}" for n in range(200)]
    audiences = tuple(
        AudienceChoice(
            id=f"{random_.getrandbits(128):032x}",
            name=" ".join(random_.choices(words, k=3)),
            slug=f"slug_{n}",
            size=random_.randrange(1_000_000),
        )
        for n in range(500)
    )
    fields = tuple(FieldChoice(name=f"{random_.choice(words)}_{n}", type="string") for n in range(100))
    answered(scene, CATALOGUE.model_copy(update={"audiences": audiences, "lytics_fields": fields}))
    page = scene.get(new_draft(scene))
    assert page.html.count('name="audiences"') == 500
    assert len(gzip.compress(page.html.encode())) <= 25_000


def test_draft_is_only_its_authors(scene: Scene) -> None:
    path = new_draft(scene)
    scene.settings = replace(scene.settings)
    other = Identity("operator-2", OPERATOR.email, frozenset())
    assert scene.get(path, as_=other).status == 404
    assert scene.post(path, FORM, as_=other).status == 404
    assert scene.get("/drafts/nothing").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/new"),
        ("POST", "/new"),
        ("GET", "/drafts/x"),
        ("POST", "/drafts/x"),
        ("GET", "/drafts/x/choices"),
        ("POST", "/exports/x/edit"),
        ("POST", "/exports/x/copy"),
    ],
)
def test_viewers_may_not_fill_in_forms(scene: Scene, method: str, path: str) -> None:
    answer = scene.get(path, as_=VIEWER) if method == "GET" else scene.post(path, as_=VIEWER)
    assert answer.status == 403


def test_form_that_is_too_large_is_not_saved(scene: Scene) -> None:
    path = new_draft(scene)
    for action in (path, f"{path}/check"):
        for text in ("x" * 200_001, "ü" * 34_000):
            refused = scene.post(action, FORM | {"audiences": [text]})
            assert (refused.status, f'href="/console{action}"' in refused.html) == (413, True)
        assert scene.post(action, FORM | {"from": ["x"] * 5_001}).status == 413
    assert scene.executions.started == {}
    assert form_of(scene, path)["audiences"] == []


@pytest.mark.parametrize("path", ["/exports/{}", "/runs/{}/run", "/runs/newsletter/{}", "/drafts/{}"])
def test_name_that_is_too_long_is_not_found(scene: Scene, path: str) -> None:
    assert scene.get(path.format("x" * 3_000)).status == 404


def test_draft_with_a_name_that_is_too_long_stays_usable(scene: Scene) -> None:
    path = new_draft(scene)
    assert scene.post(path, {"export": "x" * 3_000}).status == 303
    assert scene.get(path).status == 200
    assert scene.post(f"{path}/check").status == 303
    assert scene.get(f"{path}/check").status == 200


EXPORT = Export(
    "newsletter",
    "eu",
    "main",
    3,
    "email",
    (),
    (Audience(READERS, "Newsletter readers", "newsletter_readers"),),
)


def test_edit_and_copy_of_an_export_are_drafts_of_it(scene: Scene) -> None:
    scene.exports.put_export(EXPORT)
    answered(scene, authorization="eu")
    path = path_in(scene.post("/exports/newsletter/edit").location)
    page = scene.get(path)
    assert "Change the export newsletter" in page.text
    assert '<input id="export" name="export" value="newsletter" maxlength="64"' in page.html
    assert re.search(r'<input id="export"[^>]* readonly', page.html)
    assert "1 selected, 10 people" in page.text
    assert "Audiences that you take out of the export" in page.text
    copied = path_in(scene.post("/exports/newsletter/copy").location)
    assert values_of(scene.get(copied), "export") == [""]
    assert "also in newsletter" in scene.get(copied).text
    assert scene.post("/exports/nobody/edit").status == 404


def test_new_export_with_the_name_of_another_says_so(scene: Scene) -> None:
    scene.exports.put_export(EXPORT)
    answered(scene)
    path = new_draft(scene)
    scene.post(path, FORM)
    assert "The export newsletter already exists" in scene.get(path).text


def test_authorizations_of_exports_are_suggested(scene: Scene) -> None:
    scene.exports.put_export(EXPORT)
    answered(scene)
    html = scene.get(new_draft(scene)).html
    assert '<option value="default"><option value="eu">' in html
