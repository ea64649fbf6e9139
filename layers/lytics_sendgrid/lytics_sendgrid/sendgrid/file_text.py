"""Turn the bytes of a file of SendGrid into text while it downloads: decompress and decode them."""

import codecs
import io
import itertools
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from lytics_sendgrid.errors import RequestRefused

_GZIP: Final = b"\x1f\x8b"
_PART_BYTES: Final = 65_536
_HEAD_BYTES: Final = 4_096
"""The encoding is recognized by the beginning of the file, without its compression."""
_BOMS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins with UTF-16's
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def text_parts(chunks: Iterable[bytes]) -> Iterator[str]:
    r"""Yield the text of a file part by part. Each line ends with ``\n``.

    UTF-8, UTF-16 and, with a byte order mark, UTF-32 are read. A byte that UTF-8 does not allow is read as
    Windows-1252. The file may be gzip.

    Raises:
        RequestRefused: the gzip data is damaged or cut short.
    """
    head, parts = _head(_unpacked(chunks), _HEAD_BYTES)
    decoder = codecs.getincrementaldecoder(_encoding(head))("windows-1252-bytes")
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    for part in parts:
        yield lines.decode(part)
    yield lines.decode(b"", final=True)


def _encoding(head: bytes) -> str:
    """Return the encoding of a text by its byte order mark, or by where its zero bytes are.

    Addresses are ASCII, so every second byte of them is zero in UTF-16. UTF-8 has no zero bytes.
    """
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return encoding
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 100 < len(head):
        return "utf-8"
    if odd > 4 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd else "utf-8"


def _as_windows_1252(error: Any) -> tuple[str, int]:
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows-1252-bytes", _as_windows_1252)


def _head(chunks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return at least that many bytes of a file's beginning, if it has them, and the whole file."""
    parts = iter(chunks)
    head = b""
    try:
        for part in parts:
            head += part
            if len(head) >= size:
                break
    except RequestRefused as error:
        parts = _refused(error)
    return head, itertools.chain([head], parts)


def _refused(error: RequestRefused) -> Iterator[bytes]:
    """Raise when what came before the error has been read."""
    yield b""
    raise error


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    head, parts = _head(chunks, len(_GZIP))
    return _unzipped(parts) if head.startswith(_GZIP) else parts


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip in parts of 64 KB, however much a few bytes expand to."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            left = chunk
            while left and not unpack.eof:
                yield unpack.decompress(left, _PART_BYTES)
                left = unpack.unconsumed_tail
    except zlib.error as error:
        raise RequestRefused(f"cannot decompress the errors file: {error}") from error
    if not unpack.eof:
        raise RequestRefused("the errors file is cut short")
