"""VendorHttp against servers that are slow, drip, redirect, send too much or are not there."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest

from lytics_sendgrid.errors import AnswerLost, ServiceUnavailable, StopRun
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.transport import client
from lytics_sendgrid.transport.client import SLOW_LINE_BYTES_S, VendorHttp
from tests.http_server import Handler, HttpServer

LARGE = b"x" * 12_000_000
"""More than the buffers between two sockets take."""
CONNECT_S = 0.1
WAIT_S = 0.2
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


class Server(HttpServer):
    """A server that waits before it reads a body, again before it answers, and between the answer's parts.

    Attributes:
        parts: the answer's bytes, as they are sent.
        requests: the head and the body's length of each request.
        connections: how many were accepted.
    """

    def __init__(self, wait_s: float, *answer: bytes, between_s: float = 0) -> None:
        super().__init__(Answering)
        self.parts = answer or (ANSWER,)
        self.wait_s, self.between_s = wait_s, between_s
        self.requests: list[tuple[Message, int]] = []
        self.connections = 0
        self.ends = threading.Event()

    @property
    def lengths(self) -> list[int]:
        return [length for _, length in self.requests]

    def close(self) -> None:
        self.ends.set()
        super().close()


class Answering(Handler):
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_PUT(self) -> None:  # noqa: N802 - the base class's name
        self.server.ends.wait(self.server.wait_s)
        self.server.requests.append((self.headers, len(self.body())))
        self.server.ends.wait(self.server.wait_s)
        for part in self.server.parts:
            self.wfile.write(part)
            self.wfile.flush()
            if self.server.between_s:
                self.server.ends.wait(self.server.between_s)

    do_GET = do_PUT


type Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Server] = []

    def server(wait_s: float, *answer: bytes, between_s: float = 0) -> Server:
        started.append(Server(wait_s, *answer, between_s=between_s))
        return started[-1]

    yield server
    for running in started:
        running.close()


def http_to(url: str) -> VendorHttp:
    return VendorHttp(url, {}, SystemClock())


def test_slow_reader_gets_the_whole_body(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """The server reads later than the timeout for connecting alone."""
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", CONNECT_S)
    server = start(WAIT_S)
    http = http_to(server.url)
    for _ in ("a new connection", "a kept one"):
        assert http.request("PUT", "/", body=LARGE, timeout_s=20).status == 202
    assert server.lengths == [len(LARGE)] * 2


def test_body_may_take_the_time_of_a_slow_line(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """5.5 MB at 500 kB/s take 11 s; here everything is 12 times as fast."""
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", CONNECT_S)
    monkeypatch.setattr(client, "SLOW_LINE_BYTES_S", 12 * SLOW_LINE_BYTES_S)
    body = bytes(6_000_000)
    assert http_to(start(0.5).url).request("PUT", "/", body=body).status == 202
    with pytest.raises(AnswerLost):
        http_to(start(3).url).request("PUT", "/", body=body)


def test_body_that_is_not_read_is_given_up_in_time(start: Start) -> None:
    server = start(20)
    with pytest.raises(AnswerLost):
        http_to(server.url).request("PUT", "/", body=LARGE, timeout_s=WAIT_S)
    assert server.lengths == []


def test_sending_takes_from_the_time_for_the_answer(start: Start) -> None:
    """Each wait alone would fit."""
    with pytest.raises(AnswerLost):
        http_to(start(WAIT_S).url).request("PUT", "/", body=LARGE, timeout_s=WAIT_S * 1.5)


def test_closed_port_is_unavailable_and_not_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServiceUnavailable, match="PUT /: connection refused"):
        http_to(f"http://127.0.0.1:{port}").request("PUT", "/", body=b"{}")


def test_dead_host_is_unavailable_after_the_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener whose queue is full drops connections, as a dead host does."""
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", CONNECT_S)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with socket.create_connection(listener.getsockname()), pytest.raises(ServiceUnavailable):
            http_to(url).request("GET", "/")


@pytest.mark.parametrize(
    "target", [b"http://[bad", b"http://x/\xff\xfe", b"http://x:99999999/", b"//", b"https://login.example/"]
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_redirect_is_an_answer_wherever_it_leads(start: Start, method: str, target: bytes) -> None:
    server = start(0, b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 2\r\n\r\nno")
    answer = http_to(server.url).request(method, "/", body=b"{}")
    assert (answer.status, answer.body) == (302, b"no")


def test_proxy_and_netrc_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, start: Start, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = start(0)
    assert http_to(server.url).request("GET", "/").status == 202
    [(head, _)] = server.requests
    assert "Authorization" not in head


@pytest.mark.parametrize("coding", [b"Content-Length: 999\r\n", b"Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_body_that_drips_is_given_up_in_time(start: Start, method: str, coding: bytes) -> None:
    """Each wait alone would fit, and they have no end."""
    part = b"X" if b"Length" in coding else b"1\r\nX\r\n"
    server = start(0, b"HTTP/1.1 202 Accepted\r\n" + coding + b"\r\n", *[part] * 200, between_s=WAIT_S / 4)
    begun_s = time.monotonic()
    body = b"{}" if method == "PUT" else None
    with pytest.raises(AnswerLost, match=rf"{method} /: no complete answer in 0\.2 s"):
        http_to(server.url).request(method, "/", body=body, timeout_s=WAIT_S)
    assert time.monotonic() - begun_s < 20 * WAIT_S


def test_body_that_stops_is_given_up_in_time(start: Start) -> None:
    """The wait for the rest does not get the whole timeout again."""
    server = start(0, ANSWER[:-20], ANSWER[-20:-1], between_s=1.5)
    begun_s = time.monotonic()
    with pytest.raises(AnswerLost, match="GET /: no complete answer in 2 s"):
        http_to(server.url).request("GET", "/", timeout_s=2)
    assert time.monotonic() - begun_s < 3


def test_head_that_does_not_come_is_given_up_in_time(start: Start) -> None:
    server = start(0, b"HTTP/1.1 202 Accepted\r\n", between_s=20)
    with pytest.raises(AnswerLost, match=r"GET /: no complete answer in 0\.2 s"):
        http_to(server.url).request("GET", "/", timeout_s=WAIT_S)


def test_connection_is_kept_after_each_complete_answer(start: Start) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n"
    for answer in ([ANSWER], chunked, [b"HTTP/1.1 204 No Content\r\n\r\n"]):
        server = start(0, *answer, between_s=0.01)
        http = http_to(server.url)
        bodies = {http.request(method, "/", body=b"{}").body for method in ("GET", "PUT", "GET")}
        assert bodies == {b"" if b"204" in answer[0] else b"{}"}
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["not HTTP", "bad chunk", "not gzip"],
)
def test_answer_that_cannot_be_read_is_lost(start: Start, answer: bytes) -> None:
    with pytest.raises(AnswerLost):
        http_to(start(0, answer).url).request("PUT", "/", body=b"{}")


@pytest.mark.parametrize("is_packed", [False, True])
def test_answer_larger_than_memory_allows_is_lost(
    monkeypatch: pytest.MonkeyPatch, start: Start, is_packed: bool
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1_000_000)
    for size in (1_000_000, 1_000_001):
        content = gzip.compress(bytes(size)) if is_packed else bytes(size)
        coding = b"Content-Encoding: gzip\r\n" if is_packed else b""
        head = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (coding, len(content))
        http = http_to(start(0, head + content).url)
        if size == 1_000_000:
            assert len(http.request("GET", "/").body) == size
        else:
            with pytest.raises(AnswerLost, match="GET /: an answer of more than 1,000,000 bytes"):
                http.request("GET", "/")


@pytest.mark.parametrize("key", ["SG.\u201chush\u201d", "SG.hush\r\nX: 1", "SG.hush\u200b", " SG.hush"])
def test_key_that_cannot_be_sent_is_not_called_a_lost_answer(key: str, start: Start) -> None:
    to = start(0)
    http = VendorHttp(to.url, {"Authorization": key}, SystemClock())
    with pytest.raises(StopRun, match=r"nothing was sent.*the API key") as raised:
        http.request("PUT", "/x", body=b"{}")
    assert "hush" not in str(raised.value)
    assert to.requests == []


@pytest.mark.parametrize(
    "url", ["", "api.sendgrid.com", "ftp://x", "http://", "http://[::1", "http://a..b", "http://.b"]
)
def test_url_that_cannot_be_requested_is_not_called_a_lost_answer(url: str) -> None:
    with pytest.raises(StopRun, match=r"nothing was sent.*SendGridUrl"):
        VendorHttp(url, {}, SystemClock()).request("GET", "/x")
