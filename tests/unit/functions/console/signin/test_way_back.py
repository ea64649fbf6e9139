"""The way back leads to a page of ours."""

import pytest

from functions.console.signin.way_back import way_back


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/new",
        "/person",
        "/health",
        "/drafts/d-1_x",
        "/exports/shop",
        "/exports/shop/rejected",
        "/runs/shop/r-1",
    ],
)
def test_page_of_ours_is_kept(path: str) -> None:
    assert way_back(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(None, "", "//evil.example.com", "https://evil.example.com/", "/\\evil.example.com", "exports/shop"),
        *("/exports/shop?to=//evil", "/exports/a\r\nSet-Cookie: a=b", "/exports/a\n", "/exports/../sign-out"),
        *(
            "/sign-in",
            "/sign-out",
            "/runs/a/b/progress",
            "/exports/" + "x" * 201,
            "/exports/..",
            "/%2F%2Fevil",
        ),
        *("javascript:alert(1)", "/exports/ü", "/@evil.example.com"),
    ],
)
def test_anything_else_becomes_exports(path: str | None) -> None:
    assert way_back(path) == "/"
