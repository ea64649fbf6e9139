"""download against a server of files: whole files, redirects, limits and everything that goes wrong."""

import gzip
import threading
from collections.abc import Iterator

import pytest

from lytics_sendgrid.errors import RequestRefused, ServiceUnavailable
from lytics_sendgrid.sendgrid.contacts import SendGridContacts, sendgrid_http
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.transport.download import download
from tests.clock import TickingClock
from tests.http_server import Handler, HttpServer

LARGE = b"0123456789" * 40_000


class Files(Handler):
    """Answers each path as its name says."""

    server: "Server"

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
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
                self.server.resume.wait(20)
                self.wfile.write(b"def")
            case "large":
                self._answer(200, LARGE)
            case status:
                self._answer(int(status), b"no file")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Server(HttpServer):
    """A server of files.

    Attributes:
        paths: the paths that were requested.
        resume: set it to send the rest of a file that drips.
    """

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.resume = threading.Event()
        super().__init__(Files)

    def close(self) -> None:
        self.resume.set()
        super().close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def downloaded(server: Server, path: str, max_bytes: int = len(LARGE)) -> bytes:
    return b"".join(download(server.url + path, max_bytes, SystemClock(), allow_local=True))


@pytest.mark.parametrize("path", ["/large", "/gzip", "/hops/3"])
def test_file_is_whole_and_decompressed_after_three_redirects(server: Server, path: str) -> None:
    assert downloaded(server, path) == LARGE


def test_fourth_redirect_is_refused(server: Server) -> None:
    with pytest.raises(RequestRefused, match="more than 3 times"):
        downloaded(server, "/hops/4")
    assert "/large" not in server.paths


@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/large", "ftp://127.0.0.1/large", "//127.0.0.2:{port}/"]
)
def test_redirect_to_a_forbidden_url_is_not_followed(server: Server, target: str) -> None:
    with pytest.raises(RequestRefused, match="not https"):
        downloaded(server, "/to/" + target.format(port=server.server_port))
    assert len(server.paths) == 1


def test_redirect_to_an_unparsable_url_is_refused(server: Server) -> None:
    with pytest.raises(RequestRefused, match="cannot be parsed"):
        downloaded(server, "/to/https://x:99999/")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/404", RequestRefused),
        ("/206", RequestRefused),
        ("/503", ServiceUnavailable),
        ("/short", ServiceUnavailable),
    ],
)
def test_incomplete_or_missing_file_is_an_error(server: Server, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        downloaded(server, path)


@pytest.mark.parametrize("path", ["/large", "/gzip"])
def test_file_that_is_too_large_is_refused(server: Server, path: str) -> None:
    with pytest.raises(RequestRefused, match="larger than 399999 bytes"):
        downloaded(server, path, len(LARGE) - 1)


def test_each_part_is_yielded_as_it_arrives(server: Server) -> None:
    parts = download(server.url + "/drip", 100, SystemClock(), allow_local=True)
    assert next(parts) == b"abc"
    server.resume.set()
    assert list(parts) == [b"def"]


def test_download_that_takes_too_long_is_unavailable(server: Server) -> None:
    parts = download(server.url + "/large", len(LARGE), TickingClock(10.0), allow_local=True)
    received = [next(parts) for _ in range(3)]
    assert 0 < sum(map(len, received)) < len(LARGE)
    with pytest.raises(ServiceUnavailable, match="in 45 s"):
        next(parts)


def test_redirects_end_when_the_time_is_up(server: Server) -> None:
    with pytest.raises(ServiceUnavailable):
        list(download(server.url + "/hops/3", len(LARGE), TickingClock(20.0), allow_local=True))


def test_local_errors_file_needs_a_local_sendgrid(server: Server) -> None:
    address = server.url + "/large"
    contacts = SendGridContacts(sendgrid_http(server.url, "SG.full"), SystemClock())
    assert b"".join(contacts.errors_file(address)) == LARGE
    for url in ("https://api.sendgrid.com", "https://127.0.0.1", "http://sendgrid.example.com"):
        with pytest.raises(RequestRefused):
            list(SendGridContacts(sendgrid_http(url, "SG.full"), SystemClock()).errors_file(address))
    assert len(server.paths) == 1
