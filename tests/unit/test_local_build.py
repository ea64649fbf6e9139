"""The local cloud builds the application when its sources have changed, and only then."""

from pathlib import Path

import pytest

from tests.local.build import BuildError, build_application

SAM = """#!/bin/sh
echo run >> runs
grep -q broken template.yaml && { echo "no such layer" >&2; exit 1; }
mkdir -p .aws-sam/build && cp template.yaml .aws-sam/build/template.yaml
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    sam = tmp_path / "bin" / "sam"
    sam.parent.mkdir()
    sam.write_text(SAM)
    sam.chmod(0o755)
    monkeypatch.setenv("SAM_CLI", str(sam))
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "app.py").write_text("one = 1\n")
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    return tmp_path


def runs(project: Path) -> int:
    return (project / "runs").read_text().count("run")


def test_unchanged_sources_are_built_once(project: Path) -> None:
    assert build_application(project) == build_application(project)
    (project / "functions" / "__pycache__").mkdir()
    (project / "functions" / "__pycache__" / "app.pyc").write_bytes(b"made by Python")
    assert build_application(project).read_text() == "Resources: {}\n"
    assert runs(project) == 1


@pytest.mark.parametrize("change", ["changed", "added", "moved"])
def test_changed_sources_are_built_again(project: Path, change: str) -> None:
    build_application(project)
    source = project / "functions" / "app.py"
    match change:
        case "changed":
            source.write_text("one = 2\n")
        case "added":
            (project / "functions" / "other.py").touch()
        case "moved":
            source.rename(project / "functions" / "handler.py")
    build_application(project)
    assert runs(project) == 2


def test_failed_build_says_why_and_is_tried_again(project: Path) -> None:
    (project / "template.yaml").write_text("broken\n")
    for _ in range(2):
        with pytest.raises(BuildError, match="no such layer"):
            build_application(project)
    assert runs(project) == 2


def test_missing_sam_cli_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM_CLI", str(project / "nowhere"))
    with pytest.raises(BuildError, match="SAM_CLI"):
        build_application(project)
