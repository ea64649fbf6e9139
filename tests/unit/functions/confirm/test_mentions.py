"""An address that a text mentions is read whole."""

import pytest

from functions.confirm.mentions import mentions

OURS = {"ada@example.com", "a@x.co", "connor@example.org", "o'connor@example.org"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("email 'Ada@Example.com' is not valid", ["ada@example.com"]),
        ("ada@example.com.", ["ada@example.com"]),
        ("<ada@example.com>: no", ["ada@example.com"]),
        ("mailto:ada@example.com's", ["ada@example.com"]),
        ("https://x/?email='ada@example.com'", ["ada@example.com"]),
        ("email=a=b=ada@example.com", ["a=b=ada@example.com"]),
        ("a@x.com", ["a@x.com"]),
        ("x.a@x.co", ["x.a@x.co"]),
        ("mary.o'connor@example.org", ["mary.o'connor@example.org"]),
        ("'o'connor@example.org'", ["o'connor@example.org"]),
        ("'connor@example.org' and a@x.co", ["connor@example.org", "a@x.co"]),
        ("'zoe@example.org'", ["zoe@example.org"]),
        ("no address", []),
        ("write to help @ us, @here or a@ b", []),
        ("a@x.co@example.org", []),
        ("email=@x.co", ["email=@x.co"]),
        ("a" * 496 + "@x.co", []),
    ],
)
def test_addresses_are_read_whole(text: str, expected: list[str]) -> None:
    assert list(mentions(text, OURS)) == expected
