"""ingest's memory and time grow with the size of the body, whatever is in it."""

import json
import subprocess
import sys

import pytest

BODY_BYTES = 1_000_000
BASE_MB = 60
"""The interpreter with all imports, before the first body."""
MAX_MB_PER_MB = 80
"""The largest event, 6 MB, then takes 540 MB of the function's 1,024."""
MAX_CPU_S_PER_MB = 4
"""At most 1.2 were measured; a body with quadratic cost takes minutes."""


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, float]]:
    """Post the bodies in a small process: a fork of this one would be as large as this one."""
    command = [sys.executable, "-m", "tests.properties.largest_bodies", str(BODY_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def test_every_body_is_answered_as_documented(figures: dict[str, dict[str, float]]) -> None:
    refused = {"arrays without end", "quotation marks"}
    assert {name: of["status"] for name, of in figures.items()} == {
        name: 400 if name in refused else 200 for name in figures
    }


def test_memory_and_time_are_bounded_by_the_bodys_size(figures: dict[str, dict[str, float]]) -> None:
    size_mb = BODY_BYTES / 1_000_000
    for name, of in figures.items():
        assert of["peak_mb"] <= BASE_MB + MAX_MB_PER_MB * size_mb, name
        assert of["cpu_s"] <= MAX_CPU_S_PER_MB * size_mb, name


def test_queued_messages_are_bounded_by_the_bodys_size(figures: dict[str, dict[str, float]]) -> None:
    for name, of in figures.items():
        assert of["changes"] + of["rejects"] <= 1_000, name
