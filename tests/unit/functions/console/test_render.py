import html
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from functions import console
from functions.console.links import Links
from functions.console.render import HTMX, page
from tests.unit.functions.console.scene import SETTINGS, VIEWER, Scene

TEMPLATES = Path(console.__file__).with_name("templates")
TAG = r"\{% (?:if|elif|else|endif)\b(?:[^%\n]|%(?!\}))*%\}"
LOST_SPACE = re.compile(rf"[\w.,;:!?](?:{TAG})*{TAG}(?<!\+%\}})\n\s*(?:{TAG}\s*)*[A-Za-z]")
"""Text, a condition at the end of its line, and text: the newline is cut between them. ``+%}`` keeps it."""
TEMPLATE_FOLDER_RULES = (r"\sstyle=", r"\son[a-z]+=", r"<style", r"<script(?![^>]*\ssrc=)")


def test_a_page_has_landmarks_and_says_where_one_is() -> None:
    shown = Scene().get("/").html
    for part in (
        '<html lang="en">',
        "<header",
        "<nav aria-label=",
        '<main id="main"',
        "<footer",
        'role="status"',
    ):
        assert part in shown
    assert shown.index('href="#main"') < shown.index("<header")
    assert re.findall(r'aria-current="page">([^<]*)', shown) == ["Exports"]
    assert len(re.findall("<h1", shown)) == 1


def test_viewers_are_led_to_no_page_of_operators() -> None:
    assert "/person" in Scene().get("/").html
    assert "/person" not in Scene().get("/", as_=VIEWER).html


def test_htmx_may_not_run_code_keep_pages_or_write_styles() -> None:
    shown = html.unescape(Scene().get("/").html)
    assert f"content='{HTMX}'" in shown
    settings = json.loads(HTMX)
    assert (settings["allowEval"], settings["includeIndicatorStyles"], settings["historyCacheSize"]) == (
        False,
        False,
        0,
    )


def test_a_page_has_no_inline_style_or_script() -> None:
    shown = Scene().get("/").html
    for forbidden in TEMPLATE_FOLDER_RULES:
        assert not re.search(forbidden, shown)


def test_a_value_that_is_missing_is_an_error() -> None:
    console = SimpleNamespace(links=Links("https://example.com/console"), settings=SETTINGS)
    with pytest.raises(UndefinedError):
        page("exports/exports.html", SimpleNamespace(context={"console": console}))


def test_no_space_between_words_is_lost_after_a_condition() -> None:
    lost = [
        f"{template.name}: {found[0]!r}"
        for template in TEMPLATES.rglob("*.html")
        for found in LOST_SPACE.finditer(template.read_text())
        if "%}\n" in found[0]
    ]
    assert lost == []
