"""Kills the processes of functions: at random times, and where it hurts: after SendGrid's 202, before the commit."""

import os
import random
import re
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.local.cloud import LocalCloud
from tests.local.sendgrid_twin.exchange import Exchange

_PAUSE_S: Final = 4
_AFTER_ACCEPTED: Final = 0.03
"""The share of accepted requests whose answer finds one of the `deliver` processes dead."""
_TASKS_SPARED_AFTER: Final = 2
"""Step Functions starts a task that died 3 times again; the third death in a row of one would rightly fail the run."""
_HANDLER: Final = re.compile(rb"functions\.([a-z]+)\.app\.lambda_handler")
_SERVANTS: Final = frozenset({"ingest", "deliver", "confirm"})


class Killer:
    """Kills until it is left.

    Attributes:
        kills: by function, idle processes too.
    """

    def __init__(self, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._cloud: LocalCloud | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def of(self, cloud: LocalCloud) -> Self:
        """Say whose processes; before that nobody dies."""
        self._cloud = cloud
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def after_exchange(self, exchange: Exchange) -> None:
        """Perhaps kill a `deliver` between SendGrid's work and its answer; given to the twin as its recorder."""
        if exchange.endpoint == "PUT /v3/marketing/contacts" and exchange.status == 202:
            with self._lock:
                strikes = self._thread.is_alive() and self._dice.random() < _AFTER_ACCEPTED
            if strikes:
                self._kill(only="deliver")

    def _work(self) -> None:
        while not self._over.wait(self._dice.expovariate(1 / _PAUSE_S)):
            self._kill()

    def _kill(self, only: str | None = None) -> None:
        with self._lock:
            victims = [(verb, pid) for verb, pid in self._workers() if only in {None, verb}]
            if self._over.is_set() or not victims:
                return
            # By function first, so that a dozen idle processes of one do not protect the others.
            verb = self._dice.choice(sorted({verb for verb, _ in victims}))
            pid = self._dice.choice([pid for name, pid in victims if name == verb])
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[verb] += 1

    def _workers(self) -> list[tuple[str, int]]:
        found = []
        for pid in self._cloud.processes() if self._cloud is not None else ():
            with suppress(OSError):
                if match := _HANDLER.search(Path(f"/proc/{pid}/cmdline").read_bytes()):
                    verb = match[1].decode()
                    if verb in _SERVANTS or self.kills[verb] < _TASKS_SPARED_AFTER:
                        found.append((verb, pid))
        return found
