"""Kill function processes: at random times, and between SendGrid's 202 and the commit."""

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
"""The share of accepted requests after which a `deliver` process is killed."""
_MAX_TASK_KILLS: Final = 2
"""The maximum number of kills of a state machine task. Step Functions retries a killed task only 3 times."""
_HANDLER: Final = re.compile(rb"functions\.([a-z]+)\.app\.lambda_handler")
_EVENT_DRIVEN: Final = frozenset({"ingest", "deliver", "confirm"})


class Killer:
    """Kills processes until its context ends.

    Attributes:
        kills: The number of kills by function, including idle processes.
    """

    def __init__(self, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._cloud: LocalCloud | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def of(self, cloud: LocalCloud) -> Self:
        """Set the cloud whose processes to kill. Without it, nothing is killed."""
        self._cloud = cloud
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def after_exchange(self, exchange: Exchange) -> None:
        """Kill a `deliver` process at random before it gets the answer to an accepted request."""
        if exchange.endpoint == "PUT /v3/marketing/contacts" and exchange.status == 202:
            with self._lock:
                strikes = self._thread.is_alive() and self._dice.random() < _AFTER_ACCEPTED
            if strikes:
                self._kill(only="deliver")

    def _work(self) -> None:
        while not self._stop.wait(self._dice.expovariate(1 / _PAUSE_S)):
            self._kill()

    def _kill(self, only: str | None = None) -> None:
        with self._lock:
            victims = [(verb, pid) for verb, pid in self._workers() if only in {None, verb}]
            if self._stop.is_set() or not victims:
                return
            # Choose the function first: a function with many idle processes must not protect the others.
            verb = self._dice.choice(sorted({verb for verb, _ in victims}))
            pid = self._dice.choice([pid for name, pid in victims if name == verb])
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[verb] += 1

    def _workers(self) -> list[tuple[str, int]]:
        workers = []
        for pid in self._cloud.processes() if self._cloud is not None else ():
            with suppress(OSError):
                if match := _HANDLER.search(Path(f"/proc/{pid}/cmdline").read_bytes()):
                    verb = match[1].decode()
                    if verb in _EVENT_DRIVEN or self.kills[verb] < _MAX_TASK_KILLS:
                        workers.append((verb, pid))
        return workers
