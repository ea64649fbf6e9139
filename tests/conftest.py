"""Which tests must run in one process when pytest runs in several."""

from pathlib import Path
from typing import Final

import pytest

_TESTS: Final = Path(__file__).parent
_DEPLOYED: Final = "product"
"""The tests that share the one deployment of the product on the local cloud."""
_COSTLY_SCENES: Final = {"test_largest_bodies"}
"""Modules elsewhere whose tests share a scene that takes long to make."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together the tests that share a local cloud, and those of a module that has one of its own."""
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        if folder in {"e2e", "workflow"}:
            group = _DEPLOYED if _uses(item, _DEPLOYED) else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))
        elif item.path.stem in _COSTLY_SCENES:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def _uses(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())
