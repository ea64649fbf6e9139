"""One Chromium for all tests, and a fresh page for each. Without Chromium, these tests are skipped."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.chromium import chromium_path, launched
from tests.browser.served import ConsoleServer
from tests.browser.visit import Visits, new_profile
from tests.unit.functions.console.scene import Scene


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of this folder in one process: there, they share the browser."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")  # tests/e2e starts another one, and two at a time are not possible
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is not installed, so this test was left out: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = launched(playwright, path)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def kept(browser: Browser) -> Iterator[BrowserContext]:
    """Return a profile that always has a page of the console: further pages need no process of their own."""
    with ConsoleServer(Scene()) as server:
        context = new_profile(browser)
        context.new_page().goto(f"{server.base_url}/signed-out")
        yield context
        context.close()


@pytest.fixture
def visits(browser: Browser, kept: BrowserContext) -> Iterator[Visits]:
    """Opens pages of a scene. At the end of the test, the browser's log must be empty."""
    opened = Visits(browser, kept)
    yield opened
    opened.close()
    assert opened.log == []
