"""Download a file from an address that a vendor names, which is trusted with nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from lytics_sendgrid.errors import RequestRefused, ServiceUnavailable

TIMEOUT_S: Final = 45.0
_CONNECT_TIMEOUT_S: Final = 3.05
_WAIT_S: Final = 10.0
"""For the next part. The last wait may begin just before the time is up."""
_LEAST_S: Final = 0.001
"""urllib3 takes no time-out of 0."""
_MOST_REDIRECTS: Final = 3
_PART_BYTES: Final = 65_536


def is_local(url: str) -> bool:
    """Tell whether a URL is plain http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}


def download(
    url: str,
    max_bytes: int,
    *,
    allows_local: bool = False,
    timeout_s: float = TIMEOUT_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """Download a file part by part, without any key; memory stays bounded.

    Args:
        url: https, as is wherever it redirects to.
        max_bytes: a larger file is refused.
        allows_local: http on this machine will do, too.
        timeout_s: how long all of it may take, what is done with the parts included.
        monotonic: tells the time.

    Raises:
        RequestRefused: the address may not be fetched, nothing is there (any more), or it is too large.
        RetryLater: it did not come whole, or not in time.
    """
    until_s = monotonic() + timeout_s
    left = max_bytes
    try:
        with closing(_opened(url, lambda: until_s - monotonic(), allows_local=allows_local)) as response:
            if response.status_code >= 500:
                raise ServiceUnavailable(f"a file could not be downloaded: {response.status_code}")
            if response.status_code != 200:
                raise RequestRefused(f"a file is not there: {response.status_code}")
            # What has come, however little that is: a full part of a file that drips might take for ever.
            while part := response.raw.read1(_PART_BYTES, decode_content=True):
                left -= len(part)
                if left < 0:
                    raise RequestRefused(f"a file is larger than {max_bytes} bytes")
                if monotonic() > until_s:
                    raise ServiceUnavailable(f"a file could not be downloaded in {timeout_s:g} s")
                yield part
    except ValueError as error:  # of urllib, urllib3 and requests alike
        raise RequestRefused(f"a file's address cannot be read: {type(error).__name__}") from error
    except (requests.RequestException, HTTPError) as error:
        raise ServiceUnavailable(f"a file could not be downloaded: {type(error).__name__}") from error


def _opened(url: str, left_s: Callable[[], float], *, allows_local: bool) -> requests.Response:
    """Ask for a file, and go where that redirects to if it may be fetched there."""
    for _ in range(1 + _MOST_REDIRECTS):
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (allows_local and is_local(url)):
            raise RequestRefused(f"a file at an address that is not https is not fetched: {scheme}")
        timeout = Timeout(connect=_CONNECT_TIMEOUT_S, read=_WAIT_S, total=max(left_s(), _LEAST_S))
        response = requests.get(
            url,
            stream=True,
            allow_redirects=False,
            timeout=timeout,  # type: ignore[arg-type]  # it may be
        )
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["location"])
    raise RequestRefused(f"a file's address redirects more than {_MOST_REDIRECTS} times")
