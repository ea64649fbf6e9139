"""Every page in every state: accessible, nothing in the log, not wider than its window."""

import pytest

from tests.browser.states import STATES, State
from tests.browser.visit import CONTRAST, NARROW, Visits, overflow, violations


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
    assert page.evaluate("document.querySelectorAll('[style]').length") == 0
