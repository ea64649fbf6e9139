"""Choose the tests that must share a process when pytest runs in parallel; time no example of a property."""

import contextlib
import gc
import importlib
import os
from pathlib import Path
from typing import Final

import hypothesis
import pytest

hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

_TESTS: Final = Path(__file__).parent
_DEPLOYED: Final = "product"
"""The fixture of a deployment on the local cloud, which several modules share."""
_APART: Final = {
    **dict.fromkeys(("test_bad_days", "test_docs_commands", "test_redrive"), "documents"),
    **dict.fromkeys(("test_console_flows", "test_console_sign_in", "test_shared_audiences"), "console"),
    **dict.fromkeys(("test_erase", "test_faults", "test_watch"), "faults"),
    **dict.fromkeys(("test_one_person_two_profiles", "test_resync", "test_stop_and_change"), "changes"),
}
"""Modules with another deployment than the rest. They mostly wait: five deployments are quicker."""
_COSTLY_SCENES: Final = {"test_largest_bodies"}
"""Other modules whose tests share a scene that is slow to make."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import the test modules from another one on in each process.

    All collect all modules, at the same time. pytest rewrites a module's assertions once and keeps the result
    in a file, but processes that go the same way in step find no file, and each would rewrite every module.
    """
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        ignored = [Path(path).resolve() for path in session.config.getoption("ignore") or ()]
        folders = [Path(argument.partition("::")[0]).resolve() for argument in session.config.args]
        paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("test_*.py"))]
        paths = [path for path in paths if not any(map(path.is_relative_to, ignored))]
        first = len(paths) * int(worker.removeprefix("gw")) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        for path in paths[first:] + paths[:first]:
            name = ".".join(path.relative_to(_TESTS.parent).with_suffix("").parts)
            with contextlib.suppress(Exception):  # the collection reports it
                importlib.import_module(name)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests that share a local cloud or a costly scene, so that each is made once."""
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        if folder in {"e2e", "workflow"}:
            group = _deployment(item) if _uses(item, _DEPLOYED) else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))
        elif item.path.stem in _COSTLY_SCENES:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_finish() -> None:
    """Leave what stays to the end out of every search for garbage: modules, and thousands of tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def _deployment(item: pytest.Item) -> str:
    return f"{_DEPLOYED} for {_APART.get(item.path.stem, 'exports')}"


def _uses(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())
