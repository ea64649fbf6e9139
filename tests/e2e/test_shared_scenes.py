"""Tests that share a costly scene run in one process, so that the scene is made once."""

import shutil
import subprocess
import sys
from pathlib import Path

import tests

_TESTS = """
import os, pytest

@pytest.fixture(scope="session")
def product():
    open(f"made-in-{os.getpid()}", "w").close()

@pytest.mark.parametrize("number", range(12))
def test_scene(product, number):
    pass
"""


def test_shared_scene_is_made_in_one_process(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "e2e"
    folder.mkdir(parents=True)
    shutil.copy(Path(tests.__path__[0]) / "conftest.py", tmp_path / "tests")
    (folder / "test_first.py").write_text(_TESTS)
    (folder / "test_second.py").write_text(_TESTS)
    command = [sys.executable, "-m", "pytest", "-n2", "--dist=loadgroup", "-pno:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "24 passed" in done.stdout, done.stdout + done.stderr
    assert len(list(tmp_path.glob("made-in-*"))) == 1
