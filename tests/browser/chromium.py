"""Debian's Chromium, driven by Playwright: where it is, and how it is started."""

import os
import shutil
from typing import Final

from playwright.sync_api import Browser, Playwright

FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # To start processes is half of the time: one for all pages of a profile, and none to draw.
    "--process-per-site",
    "--renderer-process-limit=1",
    "--in-process-gpu",
)


def chromium_path() -> str | None:
    """Return the path of Chromium, or None if this machine has none. ``CHROMIUM`` names another one."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def launched(playwright: Playwright, path: str) -> Browser:
    """Start Chromium without a window."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return playwright.chromium.launch(executable_path=path, args=[*FLAGS, *sandbox])
