"""Cut the text of an errors file into lines and JSON values, in bounded memory.

The file's form is not documented, so both may be mixed, and text that only begins like JSON is read as lines.
A JSON value may take several lines. If a value is too long to be kept, it is opened: its members become
pieces.
"""

import json
import re
from collections.abc import Iterable, Iterator
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
        cutter.add(part)
        while (found := cutter.read()) is not None:
            yield from found
    cutter.end()
    while (found := cutter.read()) is not None:
        yield from found


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

    def add(self, text: str) -> None:
        """Take more of the text."""
        self._text = self._text[self._start :] + text
        self._scanned -= self._start
        self._bracket -= self._start
        self._start = 0

    def end(self) -> None:
        """Take what is left as complete."""
        self._is_last = True

    def read(self) -> list[Piece] | None:
        """Return what the next step finds, often nothing; None if it needs more text."""
        return self._json() if self._is_json else self._line()

    def _line(self) -> list[Piece] | None:
        """Read a line, or find that JSON begins."""
        if self._is_skipping:
            end = self._text.find("\n", self._start)
            self._is_skipping = end < 0
            self._start = len(self._text) if end < 0 else end + 1
            return None if end < 0 else []
        self._start = next(_BETWEEN.finditer(self._text, self._start)).end()
        if _JSON_BEGINS.match(self._text, self._start):
            self._is_json = True
            self._scanned, self._depth, self._long = self._start, 0, 0
            return []
        end = self._text.find("\n", self._start)
        if not self._is_last and (end < 0 or _JSON_MAY_BEGIN.match(self._text, self._start)):
            self._is_skipping = len(self._text) - self._start > MAX_PIECE_CHARS
            return [] if self._is_skipping else None
        line = self._text[self._start : None if end < 0 else end]
        self._start += len(line)
        if not line:
            return None
        return [line] if len(line) <= MAX_PIECE_CHARS else []

    def _json(self) -> list[Piece] | None:
        """Read to the end of a JSON value or member."""
        while token := _TOKEN.search(self._text, self._scanned):
            if token[0] == '"' and not self._is_last and self._text.find("\n", token.end()) < 0:
                return self._wait(token.end())
            # A string of JSON holds no line break. So a single quote before one does not begin a string.
            self._scanned = token.end()
            found = self._take(token)
            if found is not None:
                return found
        self._scanned = len(self._text)
        return self._wait(None)

    def _take(self, token: re.Match[str]) -> list[Piece] | None:
        """Count a bracket; return what a token completes, None if it completes nothing."""
        match token[0]:
            case "{" | "[":
                if self._depth == self._long:
                    self._bracket = token.start()
                self._depth += 1
                if self._depth - self._long > _MAX_DEPTH:
                    return self._end_json(token.end())
            case "}" | "]" if self._depth > self._long:
                self._depth -= 1
                if not self._depth:
                    return self._end_json(token.end())
            case "}" | "]":
                self._long -= 1
                self._depth -= 1
                self._is_json = self._long > 0
                return self._cut(token.start(), token.end())
            case "," if self._depth == self._long:
                return self._cut(token.start(), token.end())
        return None

    def _wait(self, string: int | None) -> list[Piece] | None:
        """Wait for more text, or make do without.

        Args:
            string: where the text of a string begins whose end has not come yet.
        """
        is_long = len(self._text) - self._start > MAX_PIECE_CHARS
        if not self._is_last and not is_long:
            return None
        if self._depth > self._long:
            self._long += 1
            self._depth = self._long
            self._scanned = self._bracket + 1
            return self._cut(self._bracket, self._scanned)
        if self._is_last:
            return self._end_json(len(self._text))
        if string is None:
            self._start = self._scanned = len(self._text)
        else:
            left = next(_INSIDE_STRING.finditer(self._text, string)).end()
            self._text = self._text[:string] + self._text[left:]
        return None

    def _end_json(self, end: int) -> list[Piece]:
        self._is_json = False
        return self._cut(end, end)

    def _cut(self, end: int, start: int) -> list[Piece]:
        """Return what the text before ``end`` holds; the next piece begins at ``start``."""
        text = self._text[self._start : end]
        self._start = start
        return _values(text)


def _values(text: str) -> list[Piece]:
    """Return a JSON value or a member of an object; the lines of a text that is neither."""
    if not text.strip():
        return []
    for document in (text, f"{{{text}}}"):
        try:
            value = json.loads(document)
        except ValueError:
            continue
        if isinstance(value, str):
            return [" ".join(value.split())]
        return [value] if isinstance(value, dict | list) else []
    return [line for line in text.split("\n") if line.strip()]
