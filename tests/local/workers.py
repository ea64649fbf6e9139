"""The emulator's function processes: started on demand, reused while warm, ended with the emulator."""

import hashlib
import io
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local.runtime_api import Answer, FunctionProcess


@dataclass(frozen=True, slots=True)
class Deployed:
    """A version of a function. A warm process can run all invocations of the same version."""

    arn: str
    name: str
    handler: str
    timeout_s: float
    memory_mb: int
    environment: tuple[tuple[str, str], ...]
    code: Path
    layers: tuple[Path, ...]


class Workers:
    """Any number of concurrent processes for each deployed function. Thread-safe."""

    def __init__(self, python: Path, logs: Path, code: Path) -> None:
        """Prepare.

        Args:
            python: The interpreter of `.venv-runtime`.
            logs: The folder for `<function name>.log`.
            code: The folder for unpacked archives, by content. It outlives the run: Python's byte code there
                keeps the next run's cold starts comparable.
        """
        self._python, self._logs, self._code = python, logs, code
        self._lock = threading.Lock()
        self._idle: dict[Deployed, list[FunctionProcess]] = {}
        self._busy: set[FunctionProcess] = set()
        self._unpacked: dict[int, tuple[bytes, Path]] = {}
        self._closed = False

    def invoke(
        self, function: Deployed, event: bytes, request_id: str, trace_id: str | None = None
    ) -> Answer:
        """Run one invocation in an idle process; in a new one if all are busy."""
        process = self._acquire(function)
        try:
            return process.invoke(event, request_id, trace_id)
        finally:
            self._release(function, process)

    def close(self) -> None:
        """End all processes, even busy ones. Later invocations fail."""
        with self._lock:
            self._closed = True
            processes = [*self._busy, *(process for idle in self._idle.values() for process in idle)]
            self._idle.clear()
        for process in processes:
            process.close()

    def unpack(self, archive: bytes) -> Path:
        """Return the folder of a zip archive's content. Unpacks new content."""
        known = self._unpacked.get(id(archive))
        if known is not None and known[0] is archive:
            return known[1]
        folder = self._code / hashlib.sha256(archive).hexdigest()[:32]
        if not folder.exists():
            self._code.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._code) as scratch:
                content = Path(scratch, "content")
                content.mkdir()  # an archive may be empty
                with zipfile.ZipFile(io.BytesIO(archive)) as source:
                    source.extractall(content)
                try:
                    content.rename(folder)
                except OSError:
                    # Another thread or run has unpacked the same content meanwhile.
                    if not folder.exists():
                        raise
        os.utime(folder)
        # The archive is kept with its folder so that no other object can get its id.
        self._unpacked[id(archive)] = archive, folder
        return folder

    def forget(self, older_than_s: float) -> None:
        """Remove unpacked archives that no run has used for `older_than_s`."""
        for folder in self._code.iterdir() if self._code.exists() else ():
            if time.time() - folder.stat().st_mtime > older_than_s:
                shutil.rmtree(folder, ignore_errors=True)

    def _acquire(self, function: Deployed) -> FunctionProcess:
        with self._lock:
            if self._closed:
                raise RuntimeError("The local cloud is closing.")
            # A function with new code or settings does not need its earlier processes any more.
            stale = [other for other in self._idle if other.name == function.name and other != function]
            ended = [process for other in stale for process in self._idle.pop(other)]
            idle = self._idle.get(function)
            process = idle.pop() if idle else self._make(function)
            self._busy.add(process)
        for earlier in ended:
            earlier.close()
        return process

    def _release(self, function: Deployed, process: FunctionProcess) -> None:
        with self._lock:
            self._busy.discard(process)
            if not self._closed:
                self._idle.setdefault(function, []).append(process)

    def _make(self, function: Deployed) -> FunctionProcess:
        return FunctionProcess(
            function.handler,
            function.code,
            python=self._python,
            layers=function.layers,
            environment=dict(function.environment),
            name=function.name,
            timeout_s=function.timeout_s,
            memory_mb=function.memory_mb,
            log=self._logs / f"{function.name}.log",
            arn=function.arn,
        )


def deployed(
    configuration: Mapping[str, Any], environment: Mapping[str, str], code: Path, layers: Sequence[Path]
) -> Deployed:
    """Build a function version from the answer of `GetFunctionConfiguration`.

    Args:
        configuration: The settings.
        environment: All variables, the function's and Lambda's.
        code: The unpacked code.
        layers: The unpacked layers.
    """
    return Deployed(
        arn=configuration["FunctionArn"],
        name=configuration["FunctionName"],
        handler=configuration["Handler"],
        timeout_s=float(configuration.get("Timeout") or 3),
        memory_mb=int(configuration.get("MemorySize") or 128),
        environment=tuple(sorted(environment.items())),
        code=code,
        layers=tuple(layers),
    )
