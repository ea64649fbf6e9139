"""Write the pictures of the console that the README and docs show: ``python -m tests.browser.screenshots``.

The pages are the real ones over tables in memory with made-up audiences. The clock stands still, so that the
same code writes the same pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Page, sync_playwright

from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.workflow.catalogue import AudienceChoice, catalogue_key
from tests.browser import states
from tests.browser.chromium import chromium_path, launched
from tests.browser.visit import NARROW, WIDE, Visits
from tests.newsletter import HIGH_VALUE, NEWSLETTER, READERS
from tests.unit.functions.console.drafts.catalogues import CATALOGUE
from tests.unit.functions.console.pages import run_scene, test_checks, test_drafts, test_person
from tests.unit.functions.console.runs.test_report import AUDIENCE
from tests.unit.functions.console.scene import SETTINGS, Scene

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
NAMES: Final = ("High value users", "Newsletter readers", "Opened in the last 30 days", "Cart abandoners")


@dataclass(frozen=True, slots=True)
class Picture:
    """A page to take a picture of."""

    name: str
    made: Callable[[], tuple[Scene, str]]
    scheme: Literal["light", "dark"] = "light"
    width: int = WIDE
    height: int = 860
    act: Callable[[Page], Any] | None = None


def _catalogue(scene: Scene) -> None:
    sizes = (48_210, 121_804, 9_377, 2_014)
    audiences = tuple(
        AudienceChoice(id=f"{number}" * 32, name=name, slug=name.lower().replace(" ", "_"), size=size)
        for number, (name, size) in enumerate(zip(NAMES, sizes, strict=True), 1)
    )
    asked_s = int(scene.clock.now()) - 120
    document = CATALOGUE.model_copy(update={"asked_s": asked_s, "audiences": audiences}).document()
    scene.store.put(catalogue_key("default"), document, scene.clock.now() + 36_000)


def _exports() -> tuple[Scene, str]:
    scene, path = states.exports()
    audiences = (Audience("a", "Gold members", "gold"), Audience("b", "Silver members", "silver"))
    scene.exports.put_export(replace(NEWSLETTER, name="loyalty", audiences=audiences))
    return scene, path


def _form() -> tuple[Scene, str]:
    scene = Scene()
    _catalogue(scene)
    return scene, test_drafts.new_draft(scene)


def _choose(page: Page) -> None:
    page.locator(".picker input[type=checkbox]").nth(0).check()
    page.locator(".picker input[type=checkbox]").nth(2).check()


def _check() -> tuple[Scene, str]:
    scene = Scene()
    _catalogue(scene)
    path = test_checks.checked(scene, audiences=["1" * 32])
    plan = test_checks.PLAN | {"people": 48_210, "notes": []}
    scene.executions.end(test_checks.last(scene), output=test_checks.PLANNED | {"plan": plan})
    return scene, f"{path}/check"


def _exported() -> Scene:
    names = (Audience(HIGH_VALUE, NAMES[0], "high"), Audience(READERS, NAMES[1], "readers"))
    return run_scene.scene_with_export(audiences=names)


def _running() -> tuple[Scene, str]:
    scene = _exported()
    audiences = [{"id": HIGH_VALUE, "name": NAMES[0]}, {"id": READERS, "name": NAMES[1]}]
    run_scene.begin(scene, run_scene.RUN, "IsScanned", "Scan", audiences=audiences)
    run_scene.scan(scene, 640)
    counts = {"accepted": 512}
    scene.exports.record_done(run_scene.RUN, ["0"], ["job"], int(scene.clock.now()), counts)
    return scene, run_scene.PATH


def _export() -> tuple[Scene, str]:
    scene = _exported()
    for number in range(2, 18):
        day = f"2026-11-{number:02}"
        run, people = f"resync-newsletter-{day}", 47_000 + 90 * number
        counts = {"accepted": 700 + 37 * (number % 5), "unchanged": 12, "rejected": number % 4}
        run_scene.days(scene).add_counts("newsletter", day, counts, int(scene.clock.now()))
        started = {"started_at": f"{day}T03:10:00Z", "finished_at": f"{day}T03:24:00Z"}
        both = {"lytics": people, "sendgrid": people - 33, "queued": people - 20}
        audiences = [AUDIENCE | {"id": HIGH_VALUE, "name": NAMES[0]} | both]
        more: dict[str, Any] = {"action": "resync", "scheduled": True, "added": 3 + number % 3}
        sums = [{"id": HIGH_VALUE, "lytics": people, "sendgrid": people - 33}]
        report = {"audiences": audiences, "notes": [], **started}
        run_scene.finish(scene, run, report, audiences=sums, **more)
    return scene, "/exports/newsletter"


def _person() -> tuple[Scene, str]:
    scene = _exported()
    row = test_person.ANSWER["audiences"][0] | {"name": NAMES[0], "sendgrid": True}
    other = row | {"name": NAMES[1], "lytics": False, "ledger": False, "sendgrid": False, "last_event": None}
    sentence = (
        "SendGrid has the membership in 'High value users', but the segment does not list the person yet: "
        "SendGrid refreshes a segment every 1 to 24 hours"
    )
    ledger = test_person.ANSWER["ledger"] | {"rejection": None}
    city = {"lytics": "Graz", "ledger": "Graz", "sendgrid": "Graz"}
    scene.functions.answers[SETTINGS.inspect_function] = test_person.ANSWER | {
        "answer": sentence,
        "differences": [sentence],
        "audiences": [row, other],
        "fields": {"city": city},
        "ledger": ledger,
        "sendgrid": {"known": True},
        "stop": None,
        "erased": None,
    }
    return scene, "/person"


def _ask(page: Page) -> None:
    page.fill("#email", test_person.EMAIL)
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer-title")
    page.wait_for_selector("html[data-ready]", state="attached")


PICTURES: Final = (
    Picture("exports", _exports),
    Picture("exports-dark", _exports, "dark"),
    Picture("exports-narrow", _exports, "light", NARROW, 780),
    Picture("form", _form, height=1_150, act=_choose),
    Picture("check", _check, height=1_000),
    Picture("run", _running),
    Picture("run-dark-narrow", _running, "dark", NARROW, 780),
    Picture("export", _export, height=1_400),
    Picture("export-dark", _export, "dark", height=1_400),
    Picture("person", _person, height=1_000, act=_ask),
    Picture("health", states.health, height=1_000),
)
"""At most 12: each is in the repository."""


def main() -> int:
    """Write all pictures; return the exit status of the program."""
    path = chromium_path()
    if path is None:
        print("Chromium is not installed: apt-get install chromium")
        return 1
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = launched(playwright, path)
        for picture in PICTURES:
            # One scene at a time: the applications of a process share their routers.
            visits = Visits(browser)
            scene, place = picture.made()
            page = visits.open(
                scene,
                place,
                width=picture.width,
                height=picture.height,
                scheme=picture.scheme,
                now_s=scene.clock.now(),
            )
            if picture.act is not None:
                picture.act(page)
            page.screenshot(path=FOLDER / f"{picture.name}.png", animations="disabled")
            print(FOLDER / f"{picture.name}.png")
            visits.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
