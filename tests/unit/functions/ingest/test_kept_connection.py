"""Answers however the network cuts them; the rest of the connection is tested against boto3 in `tests/contract`."""

import http.client
from typing import Any

import pytest

from functions.ingest.kept_connection import KeptConnection

PLAIN = b'HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length:  12\r\n\r\n{"a":"\r\n\r\n"}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":"\r\r\n4\r\n\n\r\n"\r\n1\r\n}\r\n0\r\n\r\n'
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class CutSocket:
    """A socket that receives given parts, and then the end of the connection."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, size: int) -> bytes:
        part = self.parts.pop(0) if self.parts else b""
        if len(part) > size:
            self.parts.insert(0, part[size:])
        return part[:size]

    def close(self) -> None:
        self.parts = []


def posted(*parts: bytes) -> tuple[int, bytes]:
    connection = KeptConnection("http://aws.example", 1.0)
    sock: Any = CutSocket(*parts)
    connection._connection.sock = sock
    answer = connection.post({"host": connection.host}, b"{}")
    assert sock.sent == b"POST / HTTP/1.1\r\nhost: aws.example\r\ncontent-length: 2\r\n\r\n{}"
    return answer


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED], ids=["plain", "chunked"])
def test_an_answer_is_whole_wherever_it_is_cut(answer: bytes) -> None:
    for cut in range(1, len(answer)):
        assert posted(answer[:cut], answer[cut:]) == (200, b'{"a":"\r\n\r\n"}')
    assert posted(*(bytes([byte]) for byte in answer)) == (200, b'{"a":"\r\n\r\n"}')


def test_an_answer_of_http_1_0_is_read() -> None:
    assert posted(OLD) == (200, b"{}")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{}", b"SSH-2.0-x\r\n\r\n"])
def test_what_is_no_whole_answer_is_an_error(answer: bytes) -> None:
    with pytest.raises(http.client.HTTPException):
        posted(answer)
