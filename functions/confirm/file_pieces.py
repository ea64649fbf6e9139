"""Cut the text of an errors file into lines and JSON values, in bounded memory.

The file's form is not documented, so both may be mixed, and text that only begins like JSON is read as lines.
A JSON value may take several lines. If a value is too long to be kept, it is opened: its members become
pieces.
"""

import json
import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final

type Piece = str | dict[str, Any] | list[Any]

MAX_PIECE_CHARS: Final = 100_000
"""A longer line, or a longer text in JSON, is not a record: it is skipped, so that memory stays bounded."""
_MAX_DEPTH: Final = 64
"""Text with more brackets open is not JSON of an errors file."""
_BETWEEN: Final = re.compile(r"[\s,\x1e\ufeff]*")
_JSON_BEGINS: Final = re.compile(r"""\{\s*["}]|\[\s*["{\[\]\-0-9tfn]""")
_JSON_MAY_BEGIN: Final = re.compile(r"[{\[]\s*\Z")
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*+"|["\[\]{},]')
_INSIDE_STRING: Final = re.compile(r'(?:[^"\\\n]|\\.)*+')


def pieces(parts: Iterable[str]) -> Iterator[Piece]:
    r"""Yield each line, each JSON value and each member of a long JSON value, in order.

    Args:
        parts: the text, cut anywhere; its lines end with ``\n``.
    """
    cutter = _Cutter()
    for part in parts:
        yield from cutter.feed(part)
    yield from cutter.feed("", is_last=True)


class _Cutter:
    """Keeps the text of the piece that is not complete yet.

    Attributes:
        _start: where that piece begins.
        _scanned: up to where its brackets were counted.
        _depth: how many brackets are open there.
        _long: how many of them belong to opened values.
        _bracket: where the first bracket within the piece is.
    """

    def __init__(self) -> None:
        self._text = ""
        self._is_last = self._is_json = self._is_skipping = False
        self._start = self._scanned = self._bracket = 0
        self._depth = self._long = 0

    def feed(self, text: str, *, is_last: bool = False) -> Iterator[Piece]:
        """Yield the pieces that are complete now."""
        self._text = self._text[self._start :] + text
        self._is_last = is_last
        self._scanned -= self._start
        self._bracket -= self._start
        self._start = 0
        goes_on = True
        while goes_on:
            goes_on = yield from self._json() if self._is_json else self._line()

    def _line(self) -> Generator[Piece, None, bool]:
        """Read a line, or find that JSON begins; return whether more can be read."""
        if self._is_skipping:
            end = self._text.find("\n", self._start)
            self._is_skipping = end < 0
            self._start = len(self._text) if end < 0 else end + 1
            return end >= 0
        self._start = next(_BETWEEN.finditer(self._text, self._start)).end()
        if _JSON_BEGINS.match(self._text, self._start):
            self._is_json = True
            self._scanned, self._depth, self._long = self._start, 0, 0
            return True
        end = self._text.find("\n", self._start)
        if not self._is_last and (end < 0 or _JSON_MAY_BEGIN.match(self._text, self._start)):
            if len(self._text) - self._start > MAX_PIECE_CHARS:
                self._is_skipping = True
            return self._is_skipping
        stop = len(self._text) if end < 0 else end
        if 0 < stop - self._start <= MAX_PIECE_CHARS:
            yield self._text[self._start : stop]
        self._start = stop
        return end >= 0

    def _json(self) -> Generator[Piece, None, bool]:
        """Read to the end of a JSON value; return whether more can be read."""
        while token := _TOKEN.search(self._text, self._scanned):
            if token[0] == '"' and not self._is_last and self._text.find("\n", token.end()) < 0:
                return (yield from self._wait(token.end()))
            # A string of JSON holds no line break. So a single quote before one does not begin a string.
            self._scanned = token.end()
            yield from self._take(token)
            if not self._is_json:
                return True
        self._scanned = len(self._text)
        return (yield from self._wait(None))

    def _take(self, token: re.Match[str]) -> Iterator[Piece]:
        match token[0]:
            case "{" | "[":
                if self._depth == self._long:
                    self._bracket = token.start()
                self._depth += 1
                if self._depth - self._long > _MAX_DEPTH:
                    yield from self._end_json(token.end())
            case "}" | "]" if self._depth > self._long:
                self._depth -= 1
                if not self._depth:
                    yield from self._end_json(token.end())
            case "}" | "]":
                yield from self._end_piece(token)
                self._long -= 1
                self._depth -= 1
                self._is_json = self._long > 0
            case "," if self._depth == self._long:
                yield from self._end_piece(token)

    def _wait(self, string: int | None) -> Generator[Piece, None, bool]:
        """Wait for more text, or make do without; return whether more can be read.

        Args:
            string: where the text of a string begins whose end has not come yet.
        """
        is_long = len(self._text) - self._start > MAX_PIECE_CHARS
        if not self._is_last and not is_long:
            return False
        if self._depth > self._long:
            yield from _values(self._text[self._start : self._bracket])
            self._long += 1
            self._depth = self._long
            self._start = self._scanned = self._bracket + 1
            return True
        if self._is_last:
            yield from self._end_json(len(self._text))
            return False
        if string is None:
            self._start = self._scanned = len(self._text)
        else:
            left = next(_INSIDE_STRING.finditer(self._text, string)).end()
            self._text = self._text[:string] + self._text[left:]
        return False

    def _end_piece(self, token: re.Match[str]) -> Iterator[Piece]:
        yield from _values(self._text[self._start : token.start()])
        self._start = token.end()

    def _end_json(self, end: int) -> Iterator[Piece]:
        self._is_json = False
        yield from _values(self._text[self._start : end])
        self._start = end


def _values(text: str) -> Iterator[Piece]:
    """Yield a JSON value or a member of an object; the lines of a text that is neither."""
    if not text.strip():
        return
    for document in (text, f"{{{text}}}"):
        try:
            value = json.loads(document)
        except ValueError:
            continue
        if isinstance(value, str):
            yield " ".join(value.split())
        elif isinstance(value, dict | list):
            yield value
        return
    yield from (line for line in text.split("\n") if line.strip())
