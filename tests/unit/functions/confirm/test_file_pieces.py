"""Lines and JSON values are told apart, in bounded memory."""

import json
import tracemalloc
from collections.abc import Iterator

import pytest

from functions.confirm.file_pieces import MAX_PIECE_CHARS, Piece, pieces

LONG = "x" * (MAX_PIECE_CHARS + 1)
NUMBERS = list(range(60_000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n\nb", ["a", "b"]),
        ('{"a": [1, 2]}\n[3]', [{"a": [1, 2]}, [3]]),
        ('{\n "a": "}\\"]"\n}, {"b": 1} c\n', [{"a": '}"]'}, {"b": 1}, "c"]),
        ('{bad}\n[error] b\n{"', ["{bad}", "[error] b", '"']),
        ('[x\n["a\n"b"]', ["[x", '["a', '"b"]']),
        ('["a\n"b"]\nc', ['["a', '"b"]', "c"]),
        ('[1, "a", {"b": 2}, [3', ["a", {"b": 2}]),
        ('[["a"], "b"', [["a"], "b"]),
        ('{"a": {"b": {"c": 1}}', [{"a": {"b": {"c": 1}}}]),
        ("[" * 5_000, None),
        ("{   ", ["{   "]),
    ],
)
def test_lines_and_json_are_told_apart(text: str, expected: list[Piece] | None) -> None:
    for size in (1, 2, 5, len(text)):
        found = list(pieces(text[start : start + size] for start in range(0, len(text), size)))
        found = [piece for piece in found if piece not in ('"a":', "")]
        assert expected is None or found == expected, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            json.dumps({"n": NUMBERS, "e": ["a", {"b": 1}], "m": {"c": NUMBERS}, "d": "e"}),
            [{"e": ["a", {"b": 1}]}, {"d": "e"}],
        ),
        (json.dumps(["a", LONG + LONG, "b" * 10, {"c": LONG}, "d"]), ["a", "d"]),
        (f"a\n{LONG}\nb", ["a", "b"]),
        (f"[{LONG}\n1, 2\nb", ["b"]),
        (f"[1{LONG}{LONG}]\nb", ["b"]),
        ("{" + " " * len(LONG) + "\nb", ["b"]),
    ],
    ids=["numbers", "texts", "line", "list", "list in a line", "spaces"],
)
def test_what_is_long_hides_nothing_that_follows(text: str, expected: list[Piece]) -> None:
    found = list(pieces(text[start : start + 5_000] for start in range(0, len(text), 5_000)))
    assert [piece for piece in found if piece in expected] == expected
    assert max(len(str(piece)) for piece in found) <= MAX_PIECE_CHARS + 10_000


def test_large_json_is_read_in_parts() -> None:
    def parts() -> Iterator[str]:
        yield '{"errors": ['
        for number in range(2_000):
            yield json.dumps({"email": f"p{number}@example.org", "error": "bad " * 1_000}) + ",\n"
        yield '{"email": "last@example.org"}]}'

    tracemalloc.start()
    try:
        count, last = 0, None
        for piece in pieces(parts()):
            count, last = count + 1, piece
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert (count >= 2_001, last) == (True, {"email": "last@example.org"})
