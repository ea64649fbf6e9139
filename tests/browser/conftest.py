"""One Chromium for all tests, and a fresh profile for each. Without Chromium, these tests are skipped."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import chromium_path, launched
from tests.browser.visit import Visits


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


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens pages of a scene. At the end of the test, the browser's log must be empty."""
    opened = Visits(browser)
    yield opened
    opened.close()
    assert opened.log == []
