"""Removed audiences are cleared by the real code, in runs that may die at every effect."""

from collections.abc import Callable
from typing import Any, Final

from functions.clear.clearing import TASK, ClearRequest, ClearTools, clear
from lytics_sendgrid.domain.checkpoint import expected_numbers
from lytics_sendgrid.domain.clearing import Clearing
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.ledger_walk import LedgerPage, LedgerWalk
from lytics_sendgrid.tables.walks import WalksTable
from tests.clock import scripted_deadline
from tests.simulation.engine import Process
from tests.simulation.functions import CHANGES, Services, WorldClock

_TIMEOUT_S: Final = 300.0
_AGAIN_S: Final = 60.0
_PAGE: Final = 2
"""Contacts. 1 MB in the product."""


class Clearer:
    """The clearing of a run, which is invoked again until it is done, as the state machine does.

    Attributes:
        run: its name.
        escaped: errors that the function raised and that are not ours.
    """

    def __init__(self, services: Services, run: str, delay_s: float, done: Callable[[], None]) -> None:
        """Begin now.

        Args:
            services: the services that the function calls.
            run: its name.
            delay_s: how long after a configuration is written no consumer has an older one.
            done: called when everybody is queued.
        """
        self.run = run
        self.escaped: list[Exception] = []
        self._services = services
        self._delay_s = delay_s
        self._done = done
        self._attempts = 0
        services.world.at(services.world.now, self._invoke)

    def numbers(self) -> set[str]:
        """Return the numbers of the messages that the run waits for."""
        document = WalksTable(self._services.dynamodb, "exports").walk(self.run, TASK)
        return set() if document is None else expected_numbers(Clearing.read(document).expected)

    def _invoke(self) -> None:
        world = self._services.world
        self._attempts += 1
        process = Process(
            f"{self.run} {self._attempts}", lambda: world.at(world.now + _AGAIN_S, self._invoke)
        )
        world.spawn(process, lambda: self._clear(process))
        world.at(world.now + _TIMEOUT_S, lambda: world.kill(process, "it timed out"))

    def _clear(self, process: Process) -> None:
        world, again_s = self._services.world, _AGAIN_S
        prefix = f"{self.run}.{self._attempts}"
        request = ClearRequest(self.run, "newsletter", "default", prefix, round(self._delay_s))
        try:
            progress = clear(request, self._tools())
            world.tell("%s", progress)
            again_s = progress.wait_s
        except LyticsSendGridError as error:
            world.tell("not cleared: %s", error)
        except Exception as error:
            self.escaped.append(error)
            raise
        else:
            if progress.done:
                process.alive = False
                self._done()
                return
        process.alive = False
        world.at(world.now + max(again_s, 1), self._invoke)

    def _tools(self) -> ClearTools:
        services = self._services
        return ClearTools(
            ledger=_SmallPages(services.dynamodb),
            accounts=ExportsTable(services.dynamodb, "exports"),
            walks=WalksTable(services.dynamodb, "exports"),
            queue=QueueWriter(services.sqs, CHANGES),
            clock=WorldClock(services.world),
            deadline=scripted_deadline(lambda: services.world.timing.random() >= 0.7),
        )


class _SmallPages:
    def __init__(self, dynamodb: Any) -> None:
        self._walk = LedgerWalk(dynamodb, "contacts")

    def page(self, account: str, segment: int, segments: int, start: str | None = None) -> LedgerPage:
        return self._walk.page(account, segment, segments, start, limit=_PAGE)
