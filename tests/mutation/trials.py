"""Run tests against mutants, each in its own process, forked after all third-party code is imported."""

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import coverage
import hypothesis
import pytest

from tests.modules import NAMES, PATHS
from tests.mutation.mutants import Mutant, mutated

PACKAGES: Final = ("lytics_sendgrid", "functions")
_OURS: Final = (*PACKAGES, "tests.")
_MEMORY_BYTES: Final = 4 * 2**30
_MIN_S: Final = 20
_MAX_SLOWDOWN: Final = 10
"""A test may take 20 s plus ten times its normal duration, as may all tests of a mutant together."""
_PYTEST: Final = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:warnings")
_MAX_CONTROL_TESTS: Final = 50
"""Tests that are tried on a module without a fault, to show that the trial itself fails none."""
_PASSED: Final = frozenset({pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})
_FORK: Final = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the tests behave without a fault.

    Attributes:
        tests: module name and line number to the tests that run that line.
        seconds: how long each test takes.
    """

    tests: Mapping[str, Mapping[int, frozenset[str]]]
    seconds: Mapping[str, float]

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that run a mutant, fastest first.

        Coverage records no test for a line that runs at import, such as a constant. Such a mutant is tried
        with all tests that run its module, and with the module's own tests.
        """
        by_line = self.tests[mutant.module]
        found = {test for line in mutant.lines for test in by_line.get(line, ())}
        if not found:
            found = {test for tests in by_line.values() for test in tests}
            found |= {test for test in self.seconds if _is_of(test, mutant.module)}
        fastest = sorted(found, key=lambda test: (self.seconds[test], test))
        return fastest if mutant.number >= 0 else fastest[:_MAX_CONTROL_TESTS]


def _is_of(test: str, module: str) -> bool:
    return f"/test_{module.rpartition('.')[2]}.py::" in test


class _Recorder:
    """A pytest plugin that tells coverage which test is running and records its duration."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.seconds: dict[str, float] = {}
        self._measured = measured

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._measured.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


class _Only:
    """A pytest plugin that runs the given tests in order, or all collected tests if it finds none of them.

    A test that hangs ends the process, because waiting for the remaining tests could take hours.
    """

    def __init__(self, tests: Sequence[str], seconds: Mapping[str, float]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}
        self._seconds = seconds

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_REAL, _MIN_S + _MAX_SLOWDOWN * self._seconds.get(nodeid, 0.0))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._places] or items
        items[:] = sorted(chosen, key=lambda item: self._places.get(item.nodeid, 0))


class _Faulty(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Import one module with a fault in it."""

    def __init__(self, path: Path, mutant: Mutant) -> None:
        self._path = path
        self._mutant = mutant

    def find_spec(self, fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_source(self, fullname: str) -> str:
        return self._path.read_text()

    def exec_module(self, module: ModuleType) -> None:
        code = compile(mutated(self._path, self._mutant.number), str(self._path), "exec")
        exec(code, module.__dict__)  # noqa: S102 - our own source


def baseline(folders: Sequence[str], scratch: Path) -> Baseline:
    """Run all tests without a fault.

    Raises:
        RuntimeError: a test fails.
    """
    hypothesis.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutation")
    found = scratch / "baseline.json"
    process = _FORK.Process(target=_measure, args=(folders, scratch / "coverage", found))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the tests fail without a fault: fix them first")
    document = json.loads(found.read_text())
    for name in document["imported"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    tests = {
        module: {int(line): frozenset(tests) for line, tests in lines.items()}
        for module, lines in document["tests"].items()
    }
    return Baseline(tests, document["seconds"])


def _measure(folders: Sequence[str], data: Path, found: Path) -> None:
    measured = coverage.Coverage(data_file=str(data), source_pkgs=[*PACKAGES], config_file=False)
    recorder = _Recorder(measured)
    measured.start()
    status = pytest.main([*folders, *_PYTEST], plugins=[recorder])
    measured.stop()
    if status:
        os._exit(1)
    lines = measured.get_data()
    tests = {
        NAMES.get(Path(name), name): {
            line: [context for context in contexts if context]
            for line, contexts in lines.contexts_by_lineno(name).items()
        }
        for name in lines.measured_files()
    }
    imported = [name for name in sys.modules if not f"{name}.".startswith(_OURS)]
    found.write_text(json.dumps({"tests": tests, "seconds": recorder.seconds, "imported": imported}))
    os._exit(0)


def trials(mutants: Iterable[Mutant], base: Baseline, processes: int) -> Iterator[tuple[Mutant, str]]:
    """Try mutants in parallel.

    Yields:
        Each mutant and its outcome: ``killed``, ``timed out`` or ``survived``, in no particular order.
    """
    waiting, running = iter(mutants), dict[int, tuple[ForkProcess, Mutant, float]]()
    while True:
        while len(running) < processes and (mutant := next(waiting, None)) is not None:
            tests = base.of(mutant)
            if not tests:
                yield mutant, "survived"
                continue
            process = _FORK.Process(target=_try, args=(mutant, PATHS[mutant.module], tests, base.seconds))
            process.start()
            limit_s = _MIN_S + _MAX_SLOWDOWN * sum(base.seconds[test] for test in tests)
            running[process.sentinel] = (process, mutant, time.monotonic() + limit_s)
        if not running:
            return
        multiprocessing.connection.wait(list(running), timeout=1)
        for sentinel, (process, mutant, until) in list(running.items()):
            is_late = time.monotonic() > until
            if process.is_alive() and not is_late:
                continue
            process.kill()
            process.join()
            del running[sentinel]
            is_late = is_late or process.exitcode == -signal.SIGALRM
            yield mutant, "timed out" if is_late else "killed" if process.exitcode else "survived"


def _try(mutant: Mutant, path: Path, tests: Sequence[str], seconds: Mapping[str, float]) -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    sys.meta_path.insert(0, _Faulty(path, mutant))
    # A module's own tests notice most of its faults, so the other test files are often not imported at all.
    own = [test for test in tests if _is_of(test, mutant.module)]
    for stage in (own, [test for test in tests if test not in own]):
        files = dict.fromkeys(test.partition("::")[0] for test in stage)
        if files and pytest.main([*files, *_PYTEST], plugins=[_Only(stage, seconds)]) not in _PASSED:
            os._exit(1)
    os._exit(0)
