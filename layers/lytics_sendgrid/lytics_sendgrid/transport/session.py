"""What every HTTP request to another party shares: the session, and a deadline for the answer's body."""

from collections.abc import Callable, Iterator
from typing import Final

import requests
from requests.adapters import HTTPAdapter

PART_BYTES: Final = 65_536
THREADS: Final = 20
"""Threads of a process: a scan may have as many requests open."""


class Session(requests.Session):
    """A session that depends on nothing but its requests.

    It takes no proxy from the environment and no password from ``.netrc``, and follows no redirect by itself.
    As many threads as ``THREADS`` may use it at the same time, each on its own connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=THREADS))

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Ignore where a redirect leads: requests would parse it, and raise if it cannot be parsed."""
        return


def parts_of(response: requests.Response, left_s: Callable[[], float]) -> Iterator[bytes]:
    """Yield an answer's body as it arrives, decompressed. Read to its end, its connection is kept.

    ``iter_content`` waits for full parts, so a body that drips would hold it for hours.

    Args:
        response: requested with ``stream``.
        left_s: returns how long the body may still take, seconds.

    Raises:
        TimeoutError: the body was not complete in time.
        urllib3.exceptions.HTTPError: the body is incomplete or cannot be decompressed.
    """
    while True:
        wait_s = left_s()
        if wait_s <= 0:
            raise TimeoutError("the body was not complete in time")
        connection = response.raw.connection
        # There is no socket here if the server closes after this answer. Each wait then has the read
        # timeout.
        if connection is not None and connection.sock is not None:
            connection.sock.settimeout(wait_s)
        part = response.raw.read1(PART_BYTES, decode_content=True)
        if not part:
            return
        yield part
