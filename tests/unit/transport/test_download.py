"""A file is fetched from where it may be, without our key, and every fault of that is one of our errors."""

import pytest

from lytics_sendgrid.errors import RequestRefused, RetryLater
from lytics_sendgrid.transport.download import download, is_local


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
def test_an_address_that_is_none_or_not_https_is_refused(url: str) -> None:
    with pytest.raises(RequestRefused, match="a file"):
        list(download(url, 10))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost/"])
def test_an_address_on_this_machine_is_refused_where_none_is_expected(url: str) -> None:
    assert is_local(url)
    with pytest.raises(RequestRefused, match="a file"):
        list(download(url, 10))


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://127.0.0.2/", "http://localhost.example.com/"])
def test_no_other_address_is_on_this_machine(url: str) -> None:
    assert not is_local(url)


def test_a_file_that_nobody_answers_for_is_tried_again_later() -> None:
    with pytest.raises(RetryLater, match="could not be downloaded: ConnectionError"):
        list(download("http://127.0.0.1:1/", 10, allows_local=True))
