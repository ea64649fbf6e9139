"""Sign-ins in a real browser, at a provider on another origin."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from playwright.sync_api import Page, expect

from functions.console.links import Links
from functions.console.signin.provider import OidcProvider
from functions.console.signin.sessions import COOKIE
from tests.browser.test_form import answered, saved
from tests.browser.visit import Visits, violations
from tests.local.oidc_twin import Client, OidcTwin, Person
from tests.unit.functions.console.scene import OPERATOR, SETTINGS, STRANGER, Scene

OLGA = Person(OPERATOR.subject, str(OPERATOR.email))
STILL_THERE = "What you filled in for the export is then still in its form."
SAM = Person(STRANGER.subject, str(STRANGER.email))


@pytest.fixture
def twin() -> Iterator[OidcTwin]:
    with OidcTwin([OLGA, SAM]) as provider:
        yield provider


def with_provider(visits: Visits, twin: OidcTwin) -> Scene:
    """Serve a console whose people sign in at the twin."""
    scene = Scene()
    scene.settings = replace(SETTINGS, console_issuer=twin.url)
    base_url = visits.serve(scene)
    twin.clock = scene.clock.now
    twin.register(Client(SETTINGS.console_client_id, "", [f"{base_url}/sign-in/answer"]))
    provider = OidcProvider(scene.settings, Links(base_url), cast(Any, None), scene.clock)
    scene.with_["provider"] = provider
    scene.forget_application()
    return scene


def draft(visits: Visits, scene: Scene) -> Page:
    """Open the form of a new export, for which both vendors have answered."""
    answered(scene)
    page = visits.open(scene, "/new")
    page.get_by_role("button", name="New export").click()
    page.wait_for_url("**/drafts/*")
    expect(page.get_by_label("High value users")).to_be_visible()
    return page


def test_form_sent_after_the_sessions_end_is_there_after_the_sign_in(visits: Visits, twin: OidcTwin) -> None:
    scene = with_provider(visits, twin)
    page = draft(visits, scene)
    page.evaluate("document.getElementById('saver').remove()")  # nobody is as quick as this test
    scene.store.delete_every("session#")
    page.get_by_label("Name", exact=True).fill("newsletter")
    page.get_by_label("High value users").check()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    expect(page.get_by_text(STILL_THERE)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name=OLGA.email).click()
    page.wait_for_url("**/drafts/*")
    expect(page.get_by_label("Name", exact=True)).to_have_value("newsletter")
    expect(page.get_by_label("High value users")).to_be_checked()
    assert saved(scene, page)["export"] == "newsletter"
    assert scene.executions.started == {}


@pytest.mark.parametrize("button", ["New export", "Sign out"])
def test_every_button_leads_on_after_the_sessions_end(visits: Visits, twin: OidcTwin, button: str) -> None:
    scene = with_provider(visits, twin)
    page = visits.open(scene, "/")
    scene.store.delete_every("session#")
    page.get_by_role("button", name=button).click()
    sign_in = page.get_by_role("link", name="Sign in")
    sign_in.wait_for()
    expect(page.get_by_text(STILL_THERE)).to_be_hidden()
    sign_in.click()
    page.get_by_role("link", name=OLGA.email).click()
    expect(page.get_by_role("heading", name="Exports", exact=True)).to_be_visible()


def test_real_sign_in_ends_on_the_page_that_was_asked_for(visits: Visits, twin: OidcTwin) -> None:
    scene = with_provider(visits, twin)
    page = visits.profile(scene, as_=None).new_page()
    page.goto(f"{scene.settings.console_base_url}/person")
    page.get_by_role("link", name=OLGA.email).click()
    expect(page.get_by_role("heading", name="Person")).to_be_visible()
    (session,) = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
    assert (session["httpOnly"], session["secure"], session["sameSite"]) == (True, True, "Lax")


def test_refused_person_signs_in_as_somebody_else(visits: Visits, twin: OidcTwin) -> None:
    scene = with_provider(visits, twin)
    page = visits.profile(scene, as_=None).new_page()
    page.goto(f"{scene.settings.console_base_url}/")
    page.get_by_role("link", name=SAM.email).click()
    expect(page.get_by_text(SAM.email)).to_be_visible()
    page.get_by_role("link", name="Sign in as somebody else").click()
    page.get_by_role("link", name=OLGA.email).click()
    expect(page.get_by_role("heading", name="Exports", exact=True)).to_be_visible()


def test_two_tabs_that_sign_in_at_once_both_arrive(visits: Visits, twin: OidcTwin) -> None:
    scene = with_provider(visits, twin)
    first = visits.profile(scene, as_=None).new_page()
    second = first.context.new_page()
    first.goto(f"{scene.settings.console_base_url}/person")
    second.goto(f"{scene.settings.console_base_url}/health")
    for page, title in ((first, "Person"), (second, "Health")):
        page.get_by_role("link", name=OLGA.email).click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    second.goto(f"{scene.settings.console_base_url}/sign-in/answer?code=used&state=used")
    expect(second.get_by_role("heading", name="Exports", exact=True)).to_be_visible()
