"""Every page in every state: accessible, nothing in the log, not wider than its window."""

import pytest
from playwright.sync_api import Page

from tests.browser.states import STATES, State
from tests.browser.visit import CONTRAST, NARROW, WIDE, ZOOMED, Visits, clipped, overflow, violations


def moving(page: Page) -> int:
    """Return how many parts of a page move or fade."""
    running: int = page.evaluate("document.getAnimations().length")
    return running


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_page_is_usable_by_everybody(visits: Visits, state: State) -> None:
    scene, path = state.made()
    assert scene.get(path, as_=state.visitor).status == state.status
    page = visits.open(scene, path, as_=state.visitor)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert violations(page, CONTRAST) == []
    page.set_viewport_size({"width": NARROW, "height": 740})
    assert overflow(page) <= 0
    assert moving(page) == 0
    assert page.evaluate("document.querySelectorAll('[style]').length") == 0


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_page_fits_at_twice_the_size(visits: Visits, state: State) -> None:
    """The whole page at 200 % zoom, and then only its text twice as large."""
    scene, path = state.made()
    page = visits.open(scene, path, as_=state.visitor)
    page.set_viewport_size(ZOOMED)
    assert (overflow(page) <= 0, clipped(page)) == (True, [])
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert (overflow(page) <= 0, clipped(page)) == (True, [])


def test_only_who_wants_less_motion_sees_none(visits: Visits) -> None:
    waiting = next(state for state in STATES if state.name == "check under way")
    scene, path = waiting.made()
    page = visits.open(scene, path)
    assert moving(page) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert moving(page) == 1
