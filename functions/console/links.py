"""Every address of the console, made from its base URL and never from a request's headers."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links.

    Attributes:
        base_url: of the console, without a trailing slash: ``https://host/prefix``.
    """

    base_url: str

    @property
    def prefix(self) -> str:
        """The path in front of every page, without a trailing slash: empty on a domain of its own."""
        return urlsplit(self.base_url).path

    @property
    def origin(self) -> str:
        """The console's origin, as a browser writes it into the header ``Origin``."""
        parts = urlsplit(self.base_url)
        host = str(parts.hostname)
        default = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
        return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{parts.port}"

    def to(self, path: str) -> str:
        """Return the absolute path of a page.

        Args:
            path: of a page, escaped, such as ``/exports/newsletter``.
        """
        return f"{self.prefix}{path}"

    def absolute(self, path: str) -> str:
        """Return the URL of a page: for the sign-in provider, which needs the whole of it."""
        return f"{self.base_url}{path}"

    def page_of(self, url: str) -> str | None:
        """Return the path of a page of ours in a URL that a browser sent; None if it is not of ours."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            return None
        if not parts.path.startswith(f"{self.prefix}/"):
            return None
        return parts.path.removeprefix(self.prefix)
