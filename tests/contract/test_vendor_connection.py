"""A large body has the whole of its request's time to be sent in, and not only the time to connect."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader

import pytest
import requests

from lytics_sendgrid import vendor_http
from lytics_sendgrid.errors import AnswerLost
from lytics_sendgrid.vendor_connection import Body
from lytics_sendgrid.vendor_http import VendorHttp

LARGE = b"x" * 12_000_000
"""More than the buffers between two sockets take."""
CONNECT_S = 0.1
PATIENCE_S = 0.2
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


class Reader:
    """A server that waits for some time before it reads a body, and again before it answers."""

    def __init__(self, patience_s: float, answer: bytes = ANSWER) -> None:
        self._what = answer
        self.lengths: list[int] = []
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
                with connection, connection.makefile("rb") as file, suppress(ConnectionError):
                    while file.peek(1):
                        self._answer(connection, file)

    def _answer(self, connection: socket.socket, file: BufferedReader) -> None:
        head = dict(line.split(b": ", 1) for line in list(iter(file.readline, b"\r\n"))[1:])
        self._ends.wait(self._patience_s)
        self.lengths.append(len(file.read(int(head[b"Content-Length"]))))
        self._ends.wait(self._patience_s)
        connection.sendall(self._what)


@pytest.fixture
def reader() -> Iterator[Callable[..., Reader]]:
    started: list[Reader] = []

    def start(patience_s: float, answer: bytes = ANSWER) -> Reader:
        started.append(Reader(patience_s, answer))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_a_body_that_is_read_late_comes_through_though_it_takes_longer_than_connecting_may(
    monkeypatch: pytest.MonkeyPatch, reader: Callable[..., Reader]
) -> None:
    monkeypatch.setattr(vendor_http, "CONNECT_TIMEOUT_S", CONNECT_S)
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
