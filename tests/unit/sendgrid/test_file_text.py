"""An errors file is decoded whatever its encoding is."""

import codecs

import pytest

from lytics_sendgrid.sendgrid.file_text import text_parts

TEXT = "e-mail,エラー\nann@example.org,日付が正しくありません\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TEXT.encode(), TEXT),
        (codecs.BOM_UTF8 + TEXT.encode(), TEXT),
        (TEXT.encode("utf-16"), TEXT),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), TEXT),
        (TEXT.encode("utf-16-le"), TEXT),
        (TEXT.encode("utf-16-be"), TEXT),
        (TEXT.encode("utf-32"), TEXT),
        ("müller@example.org,\x80\n".encode("latin-1"), "müller@example.org,€\n"),
        (b"a\r\nb\rc\nd\r", "a\nb\nc\nd\n"),
        (b"a" * 500 + b"\0\0", "a" * 500 + "\0\0"),
        (b"\0\0\0\0", "\0\0\0\0"),
        (b"", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_text_is_decoded(content: bytes, text: str, size: int) -> None:
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    assert "".join(text_parts([b"", *parts, b""])) == text
