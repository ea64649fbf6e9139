"""Every answer tells the browser what it may do with it."""

from functions.console.headers import SECURITY, with_headers


def test_answer_has_every_header_and_is_not_kept() -> None:
    headers = with_headers({"statusCode": 200})["multiValueHeaders"]
    assert headers == {name: [value] for name, value in SECURITY.items()} | {"Cache-Control": ["no-store"]}


def test_answer_keeps_its_own_headers() -> None:
    own = {"Cache-Control": ["public, max-age=31536000"], "Set-Cookie": ["a", "b"]}
    headers = with_headers({"statusCode": 200, "multiValueHeaders": own})["multiValueHeaders"]
    assert headers.items() >= own.items()


def test_policy_allows_own_scripts_and_styles_only() -> None:
    policy = SECURITY["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    for part in ("script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"):
        assert part in policy
    for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
