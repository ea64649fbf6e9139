"""Links are made from the base URL, whatever a request says."""

import pytest

from functions.console.links import Links

LINKS = Links("https://abc.example.com/console")


def test_links_carry_the_prefix() -> None:
    assert LINKS.to("/") == "/console/"
    assert LINKS.to("/exports/a") == "/console/exports/a"
    assert LINKS.absolute("/sign-in/answer") == "https://abc.example.com/console/sign-in/answer"
    assert Links("https://console.example.com").to("/health") == "/health"


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://abc.example.com/console", "https://abc.example.com"),
        ("https://Abc.example.com:443", "https://abc.example.com"),
        ("http://127.0.0.1:4566/_aws/x", "http://127.0.0.1:4566"),
        ("https://abc.example.com:8443", "https://abc.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_origin_is_written_as_a_browser_writes_it(base_url: str, origin: str) -> None:
    assert Links(base_url).origin == origin


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://abc.example.com/console/exports/a?x=1", "/exports/a"),
        ("https://abc.example.com/console/", "/"),
        ("https://abc.example.com/other/", None),
        ("https://abc.example.com/console", None),
        ("https://evil.example.com/console/exports/a", None),
        ("https://abc.example.com@evil.example.com/console/", None),
        ("http://abc.example.com/console/", None),
        ("", None),
    ],
)
def test_page_of_a_url_is_none_unless_the_url_is_ours(url: str, page: str | None) -> None:
    assert LINKS.page_of(url) == page
