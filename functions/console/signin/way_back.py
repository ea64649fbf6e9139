"""Where somebody goes after the sign-in: one of our own pages."""

import re
from typing import Final

EXPORTS: Final = "/"
_NAME: Final = r"[A-Za-z0-9._~-]{1,200}"
_PAGES: Final = re.compile(
    rf"/(?:new|person|health|drafts/{_NAME}|exports/{_NAME}(?:/rejected)?|runs/{_NAME}/{_NAME})?"
)


def way_back(path: str | None) -> str:
    """Return a path if it is one of a page of ours, otherwise that of Exports.

    Args:
        path: from the address that was asked for, or made up by a stranger.
    """
    return path if path is not None and _PAGES.fullmatch(path) and ".." not in path else EXPORTS
