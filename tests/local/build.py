"""Run `sam build` only if its input has changed."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_SOURCES = ("template.yaml", "functions", "layers")


class BuildError(RuntimeError):
    """`sam build` failed, or the SAM CLI is missing."""


def build_application(project: Path = REPOSITORY) -> Path:
    """Build the application unless its sources are unchanged. Returns the path of the built template.

    Safe to call from several processes at once: one builds, the others wait.

    Args:
        project: The folder with `template.yaml`, `functions` and `layers`.

    Raises:
        BuildError: The build failed. Contains the output of `sam build`.
    """
    built = project / ".aws-sam" / "build" / "template.yaml"
    built.parent.parent.mkdir(exist_ok=True)
    stamp = built.parent.parent / "sources.sha256"
    with (built.parent.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = _digest(project)
        if not built.exists() or not stamp.exists() or stamp.read_text() != sources:
            stamp.unlink(missing_ok=True)
            _run_sam(project)
            stamp.write_text(sources)
    return built


def _run_sam(project: Path) -> None:
    sam = Path(os.environ.get("SAM_CLI") or REPOSITORY / ".venv-sam" / "bin" / "sam").absolute()
    if not sam.exists():
        raise BuildError(f"{sam} is missing: run `make install`, or set SAM_CLI.")
    # SAM needs the functions' Python version on the path: its own interpreter has this version.
    path = os.pathsep.join([str(sam.parent), os.environ.get("PATH", "")])
    finished = subprocess.run(
        [str(sam), "build", "--template", "template.yaml", "--cached", "--parallel"],
        cwd=project,
        env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise BuildError(f"sam build failed:\n{finished.stdout}\n{finished.stderr}")


def _digest(project: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(project):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(project)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(project: Path) -> Iterator[Path]:
    for name in _SOURCES:
        source = project / name
        if source.is_file():
            yield source
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
