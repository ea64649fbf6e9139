"""A person's browser on a console that is served from memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from functions.console.signin.roles import Identity
from tests.browser.served import ConsoleServer
from tests.unit.functions.console.scene import OPERATOR, Scene

WIDE: Final = 1_280
NARROW: Final = 360
ZOOMED: Final[ViewportSize] = {"width": WIDE // 2, "height": 400}
"""The window of 1280 to 800 at 200 % zoom, as a page sees it."""
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
CONTRAST: Final = ("color-contrast",)
_AXE: Final = Axe().axe_script
_FOUND: Final = """options => axe.run(document, options).then(
  results => results.violations.map(({id, help, nodes}) => ({id, help, html: nodes[0].html})))"""
_STATUSES: Final = ("Failed to load resource", "Response Status Error Code")
"""How Chromium and htmx log an answer with an error's status. A test compares the status itself."""


class Visits:
    """Opens pages in fresh profiles, or in one that is kept: to start one takes longer than most tests.

    Each server has an origin of its own, so of another test's pages only the cookies would be left.

    Attributes:
        log: errors and warnings in the browser's log, reports of the content security policy among them.
    """

    def __init__(self, browser: Browser, kept: BrowserContext | None = None) -> None:
        self._browser = browser
        self._kept = kept
        self._stack = ExitStack()
        self.log: list[str] = []

    def serve(self, scene: Scene) -> str:
        """Serve a scene until the end of the test, and return its base URL."""
        return self._stack.enter_context(ConsoleServer(scene)).base_url

    def profile(
        self,
        scene: Scene,
        *,
        as_: Identity | None = OPERATOR,
        now_s: float | None = None,
        **options: Any,
    ) -> BrowserContext:
        """Return a profile in which somebody is signed in. Its clock may stand still.

        With options, or a second time, it is a fresh one.
        """
        if self._kept is not None and now_s is None and not options:
            context, self._kept = self._kept, None
            end: Callable[[], None] = partial(_clear, context, context.pages)
        else:
            context = new_profile(self._browser, **options)
            end = context.close
        self._listen(context, "console", self._logged)
        self._listen(context, "weberror", lambda error: self.log.append(str(error.error)))
        self._stack.callback(end)  # before the listeners go
        if now_s is not None:
            context.clock.set_fixed_time(datetime.fromtimestamp(now_s, UTC))
        if as_ is not None:
            sign_in(context, scene, as_)
        return context

    def open(self, scene: Scene, path: str = "/", **profile: Any) -> Page:
        """Open a page of a scene, which is served if it is not yet."""
        base_url = scene.settings.console_base_url
        if not base_url.startswith("http://127.0.0.1"):
            base_url = self.serve(scene)
        page = self.profile(scene, **profile).new_page()
        page.goto(f"{base_url}{path}")
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    def close(self) -> None:
        """Close all profiles and servers."""
        self._stack.close()

    def _listen(self, context: BrowserContext, event: Any, heard: Callable[[Any], None]) -> None:
        context.on(event, heard)
        self._stack.callback(context.remove_listener, event, heard)

    def _logged(self, message: ConsoleMessage) -> None:
        if is_trouble(message):
            self.log.append(f"{message.type}: {message.text} ({message.location['url']})")


def new_profile(
    browser: Browser,
    *,
    width: int = WIDE,
    height: int = 800,
    scheme: Literal["light", "dark"] = "light",
    **more: Any,
) -> BrowserContext:
    """Return a fresh profile."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        timezone_id="Europe/Vienna",
        locale="en-GB",
        **more,
    )
    context.set_default_timeout(5_000)
    return context


def _clear(context: BrowserContext, stay: Sequence[Page]) -> None:
    """Close the pages of a profile except those that stay, and forget its cookies."""
    for page in context.pages:
        if page not in stay:
            page.close()
    context.clear_cookies()


def sign_in(context: BrowserContext, scene: Scene, identity: Identity) -> None:
    """Begin a session in a profile."""
    name, _, value = scene.signed_in(identity).partition("=")
    host = str(urlsplit(scene.settings.console_base_url).hostname)
    context.add_cookies(
        [
            {
                "name": name,
                "value": value,
                "domain": host,
                "path": "/",
                "secure": True,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )


def is_trouble(message: ConsoleMessage) -> bool:
    """Return whether a message in the browser's log reports a fault of the page."""
    return message.type in {"error", "warning"} and not message.text.startswith(_STATUSES)


def violations(page: Page, rules: Sequence[str] = RULES) -> list[str]:
    """Return what axe finds on a page: each rule with the first element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    # What passes is many times as much, and nothing here plays sound or has other sites' style sheets.
    options = {"runOnly": list(rules), "resultTypes": ["violations"], "preload": False}
    found: list[dict[str, Any]] = page.evaluate(_FOUND, options)
    return [f"{rule['id']}: {rule['help']}: {rule['html'][:300]}" for rule in found]


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def clipped(page: Page) -> list[str]:
    """Return the elements that hide a part of their text, because it does not fit."""
    found: list[str] = page.evaluate(
        """() => [...document.body.querySelectorAll("*:not(.unseen, .skip, option, svg, svg *)")]
          .filter((element) => element.checkVisibility() && !element.closest(".unseen")
            && ["hidden", "clip"].includes(getComputedStyle(element).overflowX)
            && element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.outerHTML.slice(0, 300))"""
    )
    return found


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus.

    Raises:
        AssertionError: no element that the keyboard reaches matches.
    """
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")
