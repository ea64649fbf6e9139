"""The versions of the product and of what its pages are made with."""

import json
import platform
from functools import cache
from typing import Final

import jinja2

from functions.console.assets import FOLDER

PRODUCT: Final = "1.0.0"
"""The version in pyproject.toml, which is not deployed. A test compares both."""


@cache
def versions() -> dict[str, str]:
    """Return each version by its name."""
    packages = {
        entry["package"]: entry["version"] for entry in json.loads((FOLDER / "assets.json").read_text())
    }
    return {
        "lytics-sendgrid": PRODUCT,
        "Python": platform.python_version(),
        "Jinja2": jinja2.__version__,
        **packages,
    }
