"""Which URLs a file may be downloaded from."""

import pytest

from lytics_sendgrid.errors import RequestRefused, RetryLater
from lytics_sendgrid.transport.download import download, is_local
from tests.clock import ManualClock


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/1",
        "http://example.com/1",
        "http://127.0.0.1.example.com/1",
        "file:///etc/passwd",
        "https://",
        "https://[",
        "https://a..b/",
        "https://x:99999/",
        f"https://{'a' * 70}.com/",
        "https://\ud800.example.com/",
    ],
)
def test_url_that_is_invalid_or_not_https_is_refused(url: str) -> None:
    with pytest.raises(RequestRefused, match="a file"):
        list(download(url, 10, ManualClock()))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost/"])
def test_local_url_is_refused_by_default(url: str) -> None:
    assert is_local(url)
    with pytest.raises(RequestRefused, match="a file"):
        list(download(url, 10, ManualClock()))


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://127.0.0.2/", "http://localhost.example.com/"])
def test_only_plain_http_to_loopback_is_local(url: str) -> None:
    assert not is_local(url)


def test_closed_port_is_retried_later() -> None:
    with pytest.raises(RetryLater, match="could not be downloaded: ConnectionError"):
        list(download("http://127.0.0.1:1/", 10, ManualClock(), allow_local=True))
