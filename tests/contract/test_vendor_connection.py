"""A request's body, and its answer, have each the whole of the request's time, and no more than that."""

import gzip
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader

import pytest
import requests

from lytics_sendgrid.errors import AnswerLost
from lytics_sendgrid.transport import client
from lytics_sendgrid.transport.client import VendorHttp
from lytics_sendgrid.transport.connection import Body

LARGE = b"x" * 12_000_000
"""More than the buffers between two sockets take."""
CONNECT_S = 0.1
PATIENCE_S = 0.2
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


class Reader:
    """A server that waits for some time before it reads a body, and again before it answers, in parts if need be."""

    def __init__(self, patience_s: float, *answer: bytes, between_s: float = 0) -> None:
        self._parts = answer or (ANSWER,)
        self._between_s = between_s
        self.lengths: list[int] = []
        self.connections = 0
        self._ends = threading.Event()
        self._patience_s = patience_s
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        self._ends.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                with connection, connection.makefile("rb") as file, suppress(ConnectionError):
                    while file.peek(1):
                        self._answer(connection, file)

    def _answer(self, connection: socket.socket, file: BufferedReader) -> None:
        head = dict(line.split(b": ", 1) for line in list(iter(file.readline, b"\r\n"))[1:])
        self._ends.wait(self._patience_s)
        self.lengths.append(len(file.read(int(head.get(b"Content-Length", 0)))))
        self._ends.wait(self._patience_s)
        for part in self._parts:
            connection.sendall(part)
            if self._between_s:
                self._ends.wait(self._between_s)


@pytest.fixture
def reader() -> Iterator[Callable[..., Reader]]:
    started: list[Reader] = []

    def start(patience_s: float, *answer: bytes, between_s: float = 0) -> Reader:
        started.append(Reader(patience_s, *answer, between_s=between_s))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_a_body_that_is_read_late_comes_through_though_it_takes_longer_than_connecting_may(
    monkeypatch: pytest.MonkeyPatch, reader: Callable[..., Reader]
) -> None:
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", CONNECT_S)
    server = reader(PATIENCE_S)
    http = VendorHttp(server.url, {})
    for _ in ("a new connection", "a kept one"):
        assert http.request("PUT", "/", body=LARGE, timeout_s=20).status == 202
    assert server.lengths == [len(LARGE)] * 2


def test_a_body_that_nobody_reads_is_given_up_at_its_time(reader: Callable[..., Reader]) -> None:
    server = reader(20)
    with pytest.raises(AnswerLost):
        VendorHttp(server.url, {}).request("PUT", "/", body=LARGE, timeout_s=PATIENCE_S)
    assert server.lengths == []


def test_sending_takes_from_the_time_for_the_answer(reader: Callable[..., Reader]) -> None:
    """Each wait alone would fit."""
    with pytest.raises(AnswerLost):
        VendorHttp(reader(PATIENCE_S).url, {}).request("PUT", "/", body=LARGE, timeout_s=PATIENCE_S * 1.5)


def test_a_body_counts_its_time_from_when_it_was_made() -> None:
    clock = itertools.count(100.0, 2.0)
    body = Body(b"abc", 5.0, lambda: next(clock))
    assert [body.left_s(), body.left_s()] == [3.0, 1.0]
    assert 0 < body.left_s() < 0.1
    assert (len(body), bytes(body)) == (3, b"abc")


def test_any_other_session_sends_a_body_as_its_bytes(reader: Callable[..., Reader]) -> None:
    server = reader(0)
    assert requests.put(server.url, data=Body(b"abc", 5.0), timeout=5).status_code == 202  # type: ignore[arg-type]
    assert server.lengths == [3]


@pytest.mark.parametrize(
    "target", [b"http://[bad", b"http://x/\xff\xfe", b"http://x:99999999/", b"//", b"https://login.example/"]
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_redirect_is_an_answer_wherever_it_leads(
    reader: Callable[..., Reader], method: str, target: bytes
) -> None:
    server = reader(0, b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 2\r\n\r\nno")
    answer = VendorHttp(server.url, {}).request(method, "/", body=b"{}")
    assert (answer.status, answer.body) == (302, b"no")


def test_a_target_that_another_session_cannot_read_is_a_lost_answer(reader: Callable[..., Reader]) -> None:
    server = reader(0, b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(AnswerLost, match="PUT /: ValueError"):
        VendorHttp(server.url, {}, requests.Session()).request("PUT", "/", body=b"{}")


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 202 Accepted\r\n", ANSWER.replace(b": 2", b": 999")[:-2]], ids=["head", "body"]
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_answer_that_drips_is_given_up_at_its_time(
    reader: Callable[..., Reader], method: str, begun: bytes
) -> None:
    """Each wait alone would fit, and there is no end to them."""
    server = reader(0, begun, *[b"X"] * 200, between_s=PATIENCE_S / 4)
    begun_s = time.monotonic()
    body = b"{}" if method == "PUT" else None
    with pytest.raises(AnswerLost, match=f"{method} /: no whole answer in 0.2 s"):
        VendorHttp(server.url, {}).request(method, "/", body=body, timeout_s=PATIENCE_S)
    assert time.monotonic() - begun_s < 20 * PATIENCE_S


def test_answers_that_come_in_time_keep_their_connection(reader: Callable[..., Reader]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n"
    for answer in ([ANSWER], chunked, [b"HTTP/1.1 204 No Content\r\n\r\n"]):
        server = reader(0, *answer, between_s=0.01)
        http = VendorHttp(server.url, {})
        bodies = {http.request(method, "/", body=b"{}").body for method in ("GET", "PUT", "GET")}
        assert bodies == {b"" if b"204" in answer[0] else b"{}"}
        assert server.connections == 1


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_answer_that_is_too_large_for_the_memory_is_given_up(
    monkeypatch: pytest.MonkeyPatch, reader: Callable[..., Reader], is_packed: bool
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1_000_000)
    for size in (1_000_000, 1_000_001):
        content = gzip.compress(bytes(size)) if is_packed else bytes(size)
        coding = b"Content-Encoding: gzip\r\n" if is_packed else b""
        head = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (coding, len(content))
        http = VendorHttp(reader(0, head + content).url, {})
        if size == 1_000_000:
            assert len(http.request("GET", "/").body) == size
        else:
            with pytest.raises(AnswerLost, match="GET /: an answer of more than 1,000,000 bytes"):
                http.request("GET", "/")
