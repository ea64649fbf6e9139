"""A file is fetched from where it may be, without our key, and every fault of that is one of our errors."""

import pytest

from lytics_sendgrid.errors import RequestRefused, RetryLater
from lytics_sendgrid.vendor_http import download


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


def test_a_file_that_nobody_answers_for_is_tried_again_later() -> None:
    with pytest.raises(RetryLater, match="could not be downloaded: ConnectionError"):
        list(download("http://127.0.0.1:1/", 10))
