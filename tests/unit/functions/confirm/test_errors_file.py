"""SendGrid does not document its errors file, so it is read by its values."""

import contextlib
import gzip
import itertools
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator

import pytest

from functions.confirm.errors_file import BadRow, bad_rows
from functions.confirm.file_pieces import Piece, pieces
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.sendgrid.file_text import text_parts

OURS = {"ann@example.org", "bob@example.com"}


def text_lines(chunks: Iterable[bytes]) -> Iterator[Piece]:
    return pieces(text_parts(chunks))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ann@example.org,invalid date", "invalid date"),
        ("3,invalid date,Ann@Example.org ", "3; invalid date"),
        ('"ann@example.org","says ""no"", twice"', 'says "no", twice'),
        ('{"email": "ann@example.org", "errors": [{"message": "invalid date"}]}', "invalid date"),
        ('["ann@example.org", "invalid date", null], ', "invalid date"),
        ("ann@example.org,invalid date ,3", "invalid date; 3"),
        ("ann@example.org", ""),
        ("ann@example.org,x,x,y", "x; y"),
        ("ann@example.org;invalid, date", "invalid, date"),
        ("invalid date\tann@example.org", "invalid date"),
        ("ann@example.org|invalid date", "invalid date"),
        ("3, <Ann@example.org>, invalid date", "3; invalid date"),
        ('["ann@example.org", "help@example.com", "invalid date"]', "help@example.com; invalid date"),
    ],
)
def test_record_is_about_the_contact_whose_address_it_holds(line: str, words: str) -> None:
    assert list(bad_rows([line], OURS)) == [BadRow("ann@example.org", words)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "email,error",
        "write to help @ us",
        "{",
        "[[[",
        '"',
        "{}",
        "[]",
        "[1, 2]",
        "\x00",
        "a\rb",
        "[" * 5_000,
    ],
)
def test_records_without_address_are_skipped(line: str) -> None:
    assert list(bad_rows([line], OURS)) == []


@pytest.mark.parametrize(
    "line",
    [
        "zoe@example.org,bad",
        "bad;zoe@example.org",
        '{"email": "zoe@example.org"}',
        "zoe@example.org",
        "EXXON,zoe@example.org,no such user",
    ],
)
def test_record_of_unknown_address_has_no_contact(line: str) -> None:
    assert list(bad_rows([line], OURS)) == [BadRow(None, "")]


@pytest.mark.parametrize(
    "document",
    [
        [{"email": "ann@example.org", "error": "x"}, {"email": "bob@example.com", "error": "y"}],
        {"errors": [{"email": "ann@example.org", "error": "x"}, {"email": "bob@example.com", "error": "y"}]},
        [["ann@example.org", "x"], ["bob@example.com", "y"]],
        [[{"email": "ann@example.org"}, "x"], {"of": {"email": "bob@example.com"}, "error": ["y"]}],
    ],
)
def test_json_value_with_several_records_is_split(document: object) -> None:
    rows = bad_rows([json.dumps(document)], OURS)
    assert [(row.email, row.reason) for row in rows] == [("ann@example.org", "x"), ("bob@example.com", "y")]


def test_long_reasons_are_cut() -> None:
    [bad] = bad_rows(["ann@example.org," + "x" * 1_000], OURS)
    assert bad.reason == "x" * 300


def test_lines_are_joined_across_chunks() -> None:
    content = "email,error\r\nann@example.org,ä\nbob@example.com,b".encode()
    for size in (1, 2, 3, 1_000):
        chunks = [content[start : start + size] for start in range(0, len(content), size)]
        lines = list(text_lines(chunks))
        assert lines == ["email,error", "ann@example.org,ä", "bob@example.com,b"]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_byte_that_utf8_does_not_allow_is_read_as_windows_1252(end: bytes) -> None:
    assert list(bad_rows(text_parts([b"ann@example.org,\xff" + end]), OURS)) == [
        BadRow("ann@example.org", "ÿ")
    ]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_lines_over_100000_bytes_are_skipped(end: bytes) -> None:
    line = b"x" * 100_000
    assert list(text_lines([line + end])) == [line.decode()]
    assert list(text_lines([b"x" + line + end])) == []


def test_gzip_file_is_decompressed_while_it_streams() -> None:
    packed = gzip.compress(b"ann@example.org,bad\nbob@example.com,worse\n")
    chunks = [packed[:10], packed[10:20], packed[20:]]
    assert [bad.email for bad in bad_rows(text_parts(chunks), OURS)] == ["ann@example.org", "bob@example.com"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda p: p[:-9], "cut short"),
        (lambda p: p[:2], "cut short"),
        (lambda p: p[:20] + b"x" + p[21:], "cannot decompress the errors file: "),
    ],
)
def test_damaged_or_truncated_gzip_file_is_refused(damage: Callable[[bytes], bytes], said: str) -> None:
    packed = gzip.compress(b"ann@example.org,bad\nbob@example.com,worse\n")
    with pytest.raises(RequestRefused, match=said):
        list(text_lines([damage(packed)]))


def test_gzip_is_detected_in_single_byte_chunks() -> None:
    packed = gzip.compress(b"ann@example.org,bad\n")
    assert list(text_lines([bytes([byte]) for byte in packed])) == ["ann@example.org,bad"]
    assert list(text_lines([])) == list(text_lines([b""])) == []


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_gzip_bomb_does_not_fill_memory() -> None:
    packed = gzip.compress(b"x\n" * 20_000_000)
    with little_memory():
        assert sum(1 for _ in itertools.islice(text_lines([packed]), 10_000)) == 10_000


@pytest.mark.parametrize("before", [b"", gzip.compress(b"", mtime=0)], ids=["without an end", "after it"])
def test_endless_line_or_trailing_bytes_do_not_fill_memory(before: bytes) -> None:
    much = itertools.repeat(b"x" * 1_000_000, 40)
    with little_memory():
        assert list(text_lines(itertools.chain([before], much))) == []


def test_overlong_line_does_not_hide_later_lines() -> None:
    chunks = [b"x" * 70_000] * 5 + [b"\nann@example.org,bad\n", b"y" * 70_000, b"y" * 70_000]
    assert list(text_lines(chunks)) == ["ann@example.org,bad"]


def test_json_lines_are_read() -> None:
    lines = [json.dumps({"contact": {"email": email}, "reason": "bad"}) for email in sorted(OURS)]
    assert [bad.email for bad in bad_rows(lines, OURS)] == sorted(OURS)


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        (
            "email 'Ann@example.org' is not valid",
            [BadRow("ann@example.org", "email '(address)' is not valid")],
        ),
        ("email 'zoe@example.org' is not valid", [BadRow(None, "")]),
        ("ann@example.org and bob@example.com are one", []),
    ],
)
def test_sentence_is_about_the_only_contact_it_mentions(line: str, rows: list[BadRow]) -> None:
    assert list(bad_rows([line], OURS)) == rows
