"""A marketer's whole flows on the local cloud, in Chromium. At the end, SendGrid holds what Lytics says."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from lytics_sendgrid.domain.configuration import AudienceState
from tests.browser.chromium import chromium_path, launched
from tests.browser.visit import is_trouble
from tests.e2e.customer import Customer, Product
from tests.e2e.live_export import NAMES, Exported, exported
from tests.local.polling import poll
from tests.local.sign_in import OLGA
from tests.newsletter import HIGH_VALUE, LAPSED, READERS

STEP_MS = 20_000
"""How long a step may take on a busy machine: the vendors' answers, a dry run, a page."""
RUN_MS = 60_000
PEOPLE = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is not installed, so this test was left out: apt-get install chromium")
    expect.set_options(timeout=STEP_MS)
    with sync_playwright() as playwright:
        chromium = launched(playwright, path)
        yield chromium
        chromium.close()
    expect.set_options(timeout=None)


@pytest.fixture
def page(browser: Browser, product: Product) -> Iterator[Page]:
    """Return *Exports*, after an operator's sign-in. At the end, the browser's log must be empty."""
    sign_in = product.sign_in
    sign_in.twin.signs_in = OLGA
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(STEP_MS)
    troubles: list[str] = []
    context.on("console", lambda message: troubles.extend([message.text] if is_trouble(message) else []))
    opened = context.new_page()
    opened.goto(f"{sign_in.url}/", timeout=RUN_MS)  # the first page starts the functions
    yield opened
    print(opened.url, opened.locator("main").aria_snapshot())  # pytest shows it if the test has failed
    context.close()
    sign_in.twin.signs_in = None
    assert troubles == []


@pytest.fixture(scope="module")
def live(product: Product) -> Iterator[Exported]:
    """Return an export of three audiences that is live."""
    with exported(product, seed=21) as export:
        yield export


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def visit(page: Page, name: str) -> None:
    """Go from *Exports* to the page of an export."""
    page.get_by_role("link", name="Exports", exact=True).first.click()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def watch(page: Page) -> None:
    """Wait until the run whose page is open has succeeded."""
    expect(page).to_have_url(re.compile(r"/runs/[\w-]+/console-[\w-]+$"))
    expect(page.get_by_role("definition").filter(has_text=OLGA.email)).to_be_visible()
    expect(page.locator(".title .state")).to_have_text("Done", timeout=RUN_MS)


def await_choices(page: Page) -> None:
    """Wait for what both vendors offer. Look again, as a person would, if a busy machine needs too long."""
    box = page.get_by_label(NAMES[HIGH_VALUE])
    missing = page.get_by_text(re.compile("has not answered yet|Not everything could be read"))

    def is_offered() -> bool:
        expect(box.or_(missing).first).to_be_visible()
        if missing.first.is_visible():
            page.get_by_role("button", name=re.compile("(Ask|Look) again")).first.click()
            return False
        return box.is_visible()

    poll(is_offered, "what both vendors offer", RUN_MS / 1000, interval_s=1)


def figure(page: Page, label: str) -> Locator:
    return page.locator("dl.figures div", has_text=label).get_by_role("definition")


def audiences_of(export: Exported) -> list[str]:
    known = export.account().audiences.items()
    return [audience for audience, details in known if details.state is AudienceState.LIVE]


def test_first_export_is_made_watched_and_stopped(customer: Customer, page: Page) -> None:
    customer.lytics.populate(PEOPLE, 3, seed=1)
    press(page, "New export")
    with page.expect_response(
        lambda answer: f"authorization={customer.name}" in (answer.request.post_data or "")
    ):
        page.get_by_label("Name", exact=True).fill(customer.name)
        page.get_by_label("Authorization").fill(customer.name)
        page.get_by_label("Authorization").blur()
    await_choices(page)
    for name in NAMES.values():
        page.get_by_label(name).check()
    expect(page.locator("#selected")).to_contain_text("3 selected")
    page.get_by_text("Show Advanced Options").click()
    page.get_by_label("Lytics field").first.fill("hourly")
    press(page, "Check")
    fault = page.locator(".mapped .fault")
    expect(fault).to_contain_text("is of type map[string]int, which SendGrid cannot hold")
    assert customer.writes() == {}
    page.get_by_label("Lytics field").first.fill("lifetime_value")
    press(page, "Check")
    expect(page.get_by_role("button", name="Start Export")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Segments "))).to_contain_text("High value users")
    assert customer.writes() == {}
    page.get_by_role("button", name="Start Export").dblclick()
    watch(page)
    expect(page.get_by_text("The export is live")).to_be_visible()
    customer.wait_until_equal(customer.input(custom_fields={"lifetime_value": "lifetime_value"}))
    audited = [line for line in customer.product.logged("console", "audit") if line["act"] == "start_started"]
    assert [line["details"]["export"] for line in audited].count(customer.name) == 1
    visit(page, customer.name)
    page.get_by_label("They stay, with nobody in them").check()
    press(page, "Check a stop")
    press(page, "Check")
    confirm = page.get_by_label("Type the export's name")
    confirm.fill("another")
    press(page, "Stop the export")
    expect(page.get_by_text("This is not the export's name.")).to_be_visible()
    assert set(Exported(customer).jobs().values()) == {"running"}
    confirm.fill(customer.name)
    press(page, "Stop the export")
    watch(page)
    assert set(Exported(customer).jobs().values()) == {"paused"}
    for audience in NAMES:
        Exported(customer).wait_until_empty(audience)


def test_person_is_found_on_all_sides(live: Exported, page: Page) -> None:
    live.customer.sendgrid.refresh_segments()
    email = min(live.in_segment(HIGH_VALUE))
    page.get_by_role("link", name="Person").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Export").select_option(live.customer.name)
    press(page, "Look up")
    row = page.get_by_role("row", name=NAMES[HIGH_VALUE])
    expect(page.get_by_text("All agree: the person is in")).to_be_visible()
    expect(row.get_by_text("yes")).to_have_count(4)
    assert email not in page.url


def test_resync_shows_first_what_it_then_puts_right(live: Exported, page: Page) -> None:
    customer, lytics = live.customer, live.customer.lytics
    people = [profile for profile in lytics.profiles() if profile.email is not None]
    for profile in [profile for profile in people if HIGH_VALUE in profile.audiences][:3]:
        lytics.exit(profile.id, HIGH_VALUE, silently=True)
    for profile in [profile for profile in people if READERS not in profile.audiences][:2]:
        lytics.enter(profile.id, READERS, silently=True)
    before = customer.writes()
    visit(page, customer.name)
    press(page, "Check a resync")
    press(page, "Check")
    expect(figure(page, "People to take out")).to_have_text("3", timeout=RUN_MS)
    expect(figure(page, "People to put in")).to_have_text("2")
    assert customer.writes() == before
    press(page, "Start the resync")
    watch(page)
    expect(page.get_by_text("The export is live")).to_be_visible()
    expect(page.get_by_role("row", name=NAMES[HIGH_VALUE]).last).to_contain_text("3")
    live.wait_until_right(*audiences_of(live))


def test_change_shows_first_what_becomes_of_audiences(live: Exported, page: Page) -> None:
    customer, name = live.customer, "Gold members"
    gold = customer.lytics.add_audience(name)
    for profile in customer.lytics.profiles()[:5]:
        customer.lytics.enter(profile.id, gold, silently=True)
    visit(page, customer.name)
    press(page, "Change")
    await_choices(page)
    page.get_by_label(NAMES[LAPSED]).uncheck()
    page.get_by_label(name).check()
    press(page, "Check")
    difference = page.get_by_role("region", name="Audiences that change")
    added = difference.get_by_role("row", name=name)
    expect(added).to_contain_text("added: its people enter its segment")
    removed = difference.get_by_role("row", name=NAMES[LAPSED])
    expect(removed).to_contain_text("taken out: everybody leaves its segment, which stays, empty")
    press(page, "Start Export")
    watch(page)
    expect(page.get_by_text("The export is live")).to_be_visible()
    live.wait_until_right(HIGH_VALUE, READERS, gold)
    live.wait_until_empty(LAPSED)


def test_cancelled_run_is_finished_by_the_next(customer: Customer, page: Page) -> None:
    customer.lytics.populate(PEOPLE, 3, seed=4)
    with customer.product.paused("deliver"):
        execution = customer.start(customer.input())
        poll(lambda: "WaitToSettle" in customer.states(execution), "settle", 60, interval_s=0.1)
        visit(page, customer.name)
        page.get_by_role("link", name="Running").click()
        expect(page.locator("[aria-current=step]")).to_contain_text("Send people to SendGrid")
        page.get_by_text("Cancel this run").click()
        press(page, "Cancel the run")
        expect(page.get_by_role("heading", name="The run was cancelled")).to_be_visible()
        assert customer.end(execution).status == "ABORTED"
    press(page, "Change the export and start it again")
    press(page, "Check")
    press(page, "Start Export")
    watch(page)
    expect(page.get_by_text("The export is live")).to_be_visible()
    customer.wait_until_equal(customer.input())
