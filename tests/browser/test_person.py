"""Look somebody up with the keyboard alone."""

from tests.browser.visit import NARROW, Visits, overflow, tab_to, violations
from tests.unit.functions.console.pages.run_scene import scene_with_export
from tests.unit.functions.console.pages.test_person import ANSWER, EMAIL
from tests.unit.functions.console.scene import SETTINGS


def test_person_is_looked_up_with_the_keyboard_alone(visits: Visits) -> None:
    scene = scene_with_export()
    scene.functions.answers[SETTINGS.inspect_function] = ANSWER
    page = visits.open(scene, "/")
    tab_to(page, "nav a[href$='/person']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#email")
    tab_to(page, "#email")
    page.keyboard.type(EMAIL)
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer-title")
    page.wait_for_selector("#answer-title:focus")
    assert page.locator("time").first.text_content() == "23 Nov 2026, 19:43"
    assert EMAIL not in page.url
    assert violations(page) == []
    page.set_viewport_size({"width": NARROW, "height": 740})
    assert overflow(page) <= 0
