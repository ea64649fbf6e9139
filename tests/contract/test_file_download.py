"""A file is downloaded from a server as it comes, and from nowhere that its address may not lead to."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from lytics_sendgrid.errors import RequestRefused, ServiceUnavailable
from lytics_sendgrid.sendgrid.contacts import SendGridContacts, sendgrid_http
from lytics_sendgrid.transport.download import download

LARGE = b"0123456789" * 40_000


class Files(BaseHTTPRequestHandler):
    """Answers each path with what its name says."""

    def __init__(self, asked: list[str], goes_on: threading.Event, *arguments: object) -> None:
        self.asked = asked
        self.goes_on = goes_on
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        kind, _, rest = self.path[1:].partition("/")
        match kind:
            case "to":
                self._answer(302, b"", Location=rest)
            case "hops":
                self._answer(302, b"", Location=f"/hops/{int(rest) - 1}" if int(rest) > 1 else "/large")
            case "gzip":
                self._answer(200, gzip.compress(LARGE), **{"Content-Encoding": "gzip"})
            case "short":
                self._answer(200, b"abc", **{"Content-Length": "100"})
            case "drip":
                self._answer(200, b"abc", **{"Content-Length": "6"})
                self.goes_on.wait(20)
                self.wfile.write(b"def")
            case "large":
                self._answer(200, LARGE)
            case status:
                self._answer(int(status), b"no file")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Server:
    """A server of files; knows which were asked for, and goes on with those that drip when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.goes_on = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, self.asked, self.goes_on))
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.goes_on.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


def fetched(server: Server, path: str, max_bytes: int = len(LARGE)) -> bytes:
    return b"".join(download(server.url + path, max_bytes, allows_local=True))


@pytest.mark.parametrize("path", ["/large", "/gzip", "/hops/3"])
def test_a_file_comes_whole_unpacked_and_over_three_redirects(server: Server, path: str) -> None:
    assert fetched(server, path) == LARGE


def test_a_file_that_redirects_more_often_is_refused(server: Server) -> None:
    with pytest.raises(RequestRefused, match="more than 3 times"):
        fetched(server, "/hops/4")
    assert "/large" not in server.asked


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.2:{port}/large", "ftp://127.0.0.1/large", "//127.0.0.2:{port}/"]
)
def test_a_redirect_to_where_a_file_may_not_be_is_not_followed(server: Server, elsewhere: str) -> None:
    with pytest.raises(RequestRefused, match="not https"):
        fetched(server, "/to/" + elsewhere.format(port=server.http.server_port))
    assert len(server.asked) == 1


def test_a_redirect_to_what_is_no_address_is_refused(server: Server) -> None:
    with pytest.raises(RequestRefused, match="cannot be read"):
        fetched(server, "/to/https://x:99999/")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/404", RequestRefused),
        ("/206", RequestRefused),
        ("/503", ServiceUnavailable),
        ("/short", ServiceUnavailable),
    ],
)
def test_what_is_no_whole_file_is_an_error(server: Server, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        fetched(server, path)


@pytest.mark.parametrize("path", ["/large", "/gzip"])
def test_a_file_that_is_too_large_is_refused(server: Server, path: str) -> None:
    with pytest.raises(RequestRefused, match="larger than 399999 bytes"):
        fetched(server, path, len(LARGE) - 1)


def test_each_part_is_given_as_soon_as_it_has_come(server: Server) -> None:
    parts = download(server.url + "/drip", 100, allows_local=True)
    assert next(parts) == b"abc"
    server.goes_on.set()
    assert list(parts) == [b"def"]


def test_a_file_that_takes_too_long_is_tried_again_later(server: Server) -> None:
    """Each look at the clock is 10 s later than the one before."""
    clock = count(0.0, 10.0)
    parts = download(server.url + "/large", len(LARGE), allows_local=True, monotonic=lambda: next(clock))
    came = [next(parts) for _ in range(3)]
    assert 0 < sum(map(len, came)) < len(LARGE)
    with pytest.raises(ServiceUnavailable, match="in 45 s"):
        next(parts)


def test_no_file_is_asked_for_when_the_time_is_up(server: Server) -> None:
    clock = count(0.0, 20.0)
    with pytest.raises(ServiceUnavailable):
        list(download(server.url + "/hops/3", len(LARGE), allows_local=True, monotonic=lambda: next(clock)))


def test_an_errors_file_on_this_machine_is_only_read_where_sendgrid_is_on_it_too(server: Server) -> None:
    address = server.url + "/large"
    assert b"".join(SendGridContacts(sendgrid_http(server.url, "SG.full")).errors_file(address)) == LARGE
    for url in ("https://api.sendgrid.com", "https://127.0.0.1", "http://sendgrid.example.com"):
        with pytest.raises(RequestRefused):
            list(SendGridContacts(sendgrid_http(url, "SG.full")).errors_file(address))
    assert len(server.asked) == 1
