"""Download a file from an untrusted URL."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.errors import RequestRefused, ServiceUnavailable
from lytics_sendgrid.transport.session import Session, parts_of

TIMEOUT_S: Final = 45.0
_CONNECT_TIMEOUT_S: Final = 3.05
_MAX_WAIT_S: Final = 10.0
"""Wait this long for the next part."""
_MIN_TIMEOUT_S: Final = 0.001
"""urllib3 refuses a timeout of 0."""
MAX_REDIRECTS: Final = 3


def is_local(url: str) -> bool:
    """Return whether a URL is plain http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}


def download(
    url: str,
    max_bytes: int,
    clock: Clock,
    *,
    allow_local: bool = False,
    timeout_s: float = TIMEOUT_S,
    max_redirects: int = MAX_REDIRECTS,
) -> Iterator[bytes]:
    """Yield a file part by part, as it arrives. No key is sent, and memory stays bounded.

    Args:
        url: https, and so must be every URL that it redirects to.
        max_bytes: a larger file is refused.
        clock: measures the time.
        allow_local: http on this machine is allowed, too.
        timeout_s: how long the whole download may take, with the caller's work on its parts.
        max_redirects: how many redirects are followed.

    Raises:
        RequestRefused: the URL may not be fetched, nothing is there (any more), or the file is too large.
        ServiceUnavailable: the file was not complete in time, or not complete at all.
    """
    deadline = Deadline.after(clock, timeout_s)
    left_bytes = max_bytes
    try:
        with closing(_open(url, deadline, max_redirects, allow_local=allow_local)) as response:
            if response.status_code >= 500:
                raise ServiceUnavailable(f"a file could not be downloaded: {response.status_code}")
            if response.status_code != 200:
                raise RequestRefused(f"a file is not there: {response.status_code}")
            for part in parts_of(response, lambda: min(deadline.left_s(), _MAX_WAIT_S)):
                left_bytes -= len(part)
                if left_bytes < 0:
                    raise RequestRefused(f"a file is larger than {max_bytes} bytes")
                yield part
    except TimeoutError as error:
        raise ServiceUnavailable(f"a file could not be downloaded in {timeout_s:g} s") from error
    except ValueError as error:  # from urllib, urllib3 and requests alike
        raise RequestRefused(f"a file's URL cannot be parsed: {type(error).__name__}") from error
    except (requests.RequestException, HTTPError) as error:
        raise ServiceUnavailable(f"a file could not be downloaded: {type(error).__name__}") from error


def _open(url: str, deadline: Deadline, max_redirects: int, *, allow_local: bool) -> requests.Response:
    """Request a file, and follow its redirects where they are allowed."""
    session = Session()
    for _ in range(1 + max_redirects):
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (allow_local and is_local(url)):
            raise RequestRefused(f"a file's URL is not https: {scheme}")
        total_s = max(deadline.left_s(), _MIN_TIMEOUT_S)
        timeout = Timeout(connect=_CONNECT_TIMEOUT_S, read=_MAX_WAIT_S, total=total_s)
        response = session.get(
            url,
            stream=True,
            allow_redirects=False,
            timeout=timeout,  # type: ignore[arg-type]  # it may be
        )
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["location"])
    raise RequestRefused(f"a file's URL redirects more than {max_redirects} times")
