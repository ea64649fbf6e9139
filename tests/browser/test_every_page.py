"""Every page in every state: accessible, nothing in the log, not wider than its window.

All states are shown in one page of one profile: fresh ones would take longer than axe does.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.served import ConsoleServer
from tests.browser.state import State
from tests.browser.states import STATES
from tests.browser.visit import (
    CONTRAST,
    NARROW,
    WIDE,
    ZOOMED,
    Visits,
    clipped,
    overflow,
    sign_in,
    violations,
)
from tests.unit.functions.console.scene import Scene


class Window:
    """One page, in which one state after the other is shown.

    Attributes:
        visits: has the browser's log.
        page: the page.
    """

    def __init__(self, visits: Visits) -> None:
        self.visits = visits
        self._server = ConsoleServer(Scene())
        self.page = visits.profile(self._server.scene, as_=None).new_page()

    def show(self, state: State) -> int:
        """Show a state, wide and light, and return the status of its page."""
        if self.page.locator("[data-poll]").count():
            self.page.goto("about:blank")  # so that the former page asks nothing any more
        self.page.set_viewport_size({"width": WIDE, "height": 800})
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        scene, path = state.made()
        self._server.serve(scene)
        self._server.shown = answer = state.answer(scene, path)
        self.page.context.clear_cookies()
        if state.visitor is not None:
            sign_in(self.page.context, scene, state.visitor)
        self.page.goto(f"{self._server.base_url}{path}")
        self.page.wait_for_selector("html[data-ready], html:not(:has(script))", state="attached")
        return answer.status

    def close(self) -> None:
        """Close the page and its server."""
        self.visits.close()
        self._server.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Window]:
    opened = Window(Visits(browser))
    yield opened
    opened.close()


def moving(page: Page) -> int:
    """Return how many parts of a page move or fade."""
    running: int = page.evaluate("document.getAnimations().length")
    return running


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_page_is_usable_by_everybody(window: Window, state: State) -> None:
    window.visits.log.clear()
    assert window.show(state) == state.status
    page = window.page
    assert violations(page) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert violations(page, CONTRAST) == []
    page.set_viewport_size({"width": NARROW, "height": 740})
    assert overflow(page) <= 0
    assert moving(page) == 0
    assert page.evaluate("document.querySelectorAll('[style]').length") == 0
    # The whole page at 200 % zoom, and then only its text twice as large.
    page.set_viewport_size(ZOOMED)
    assert (overflow(page) <= 0, clipped(page)) == (True, [])
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert (overflow(page) <= 0, clipped(page)) == (True, [])
    assert window.visits.log == []


def test_only_who_wants_less_motion_sees_none(window: Window) -> None:
    window.show(next(state for state in STATES if state.name == "check under way"))
    assert moving(window.page) == 0
    window.page.emulate_media(reduced_motion="no-preference")
    assert moving(window.page) == 1
