"""The acts: an export in a storm, an account that is full, calm weather, and what an operator does then."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.local.chaos import storm
from tests.local.chaos.figures import Figures, struck, struck_elsewhere, survived
from tests.local.chaos.happenings import Happenings
from tests.local.chaos.killing import Killer
from tests.local.chaos.people import matching, touch
from tests.local.demo.choices import Choices
from tests.local.demo.scenario import proof, watch
from tests.local.demo.screen import Screen
from tests.local.demo.stage import Stage
from tests.local.demo.watch import Ended
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.operator import Operator
from tests.local.polling import poll
from tests.local.sendgrid_twin.twin import SendGridTwin

EVENTS_A_SECOND: Final = 30
_STORM_S: Final = 150
_PARKED_S: Final = 150
_END_S: Final = 180
_IDLE_S: Final = 240
_REDRIVES: Final = 3


class ActFailed(RuntimeError):
    """An act did not end as it must for the next one to begin; says why."""


class Chaos:
    """One run."""

    def __init__(
        self, choices: Choices, stage: Stage, screen: Screen, figures: Figures, *, killer: Killer, seed: int
    ) -> None:
        if stage.lytics is None or stage.sendgrid is None:
            raise ValueError("chaos needs both twins")
        self._choices, self._stage, self._screen, self._figures = choices, stage, screen, figures
        self._lytics: LyticsTwin = stage.lytics
        self._sendgrid: SendGridTwin = stage.sendgrid
        self._killer, self._seed = killer, seed
        self._operator = Operator(stage.deployment)
        self._execution = ""

    def play(self) -> None:
        """Play all acts; ``figures.faults`` says what does not hold."""
        figures = self._figures
        figures.people = self._choices.people
        storm.hurry(self._stage.deployment)
        self._lytics.set_faults(**storm.LYTICS)
        with (
            self._killer.of(self._stage.deployment.cloud),
            Happenings(self._lytics, EVENTS_A_SECOND, self._seed) as happenings,
        ):
            self._timed("storm", self._export_in_a_storm)
            self._timed("full", self._full_account)
        figures.events = dict(happenings.counts)
        figures.injected += struck(self._sendgrid)
        self._sendgrid.clear_faults()
        self._lytics.set_faults(**storm.CALM)
        self._screen.heading("Calm")
        self._timed("calm", self._calm)
        self._timed("redrive", self._redrive)
        self._timed("proof", self._prove)
        figures.ok = not figures.faults

    def count(self) -> None:
        """Note what was injected besides, and what the product did."""
        self._figures.injected += struck_elsewhere(self._lytics, self._killer.kills)
        self._figures.survived = survived(self._stage.deployment)

    def _timed(self, act: str, play: Callable[[], None]) -> None:
        begun = time.monotonic()
        try:
            play()
        finally:
            self._figures.seconds[act] = round(time.monotonic() - begun, 1)

    def _fault(self, words: str) -> None:
        self._figures.faults.append(words)
        self._screen.fault(words)

    def _export_in_a_storm(self) -> None:
        self._screen.heading("An export in a storm")
        self._sendgrid.set_faults(*storm.LOST_ANSWERS, seed=self._seed)
        self._execution = self._stage.deployment.start(f"chaos-{self._seed}", self._choices.start)
        with suppress(TimeoutError):  # a run that is not settled goes on through the other acts
            self._watch(_STORM_S)
        self._figures.injected += struck(self._sendgrid)
        self._sendgrid.set_faults(*storm.LATE_JOBS, seed=self._seed)

    def _watch(self, timeout_s: float) -> Ended:
        return watch(self._execution, self._choices, self._stage, self._screen, timeout_s)

    def _end_the_export(self) -> None:
        finished = self._watch(_END_S)
        self._figures.report = finished.output
        if finished.status != "SUCCEEDED":
            raise ActFailed(f"the execution {finished.status.lower()}:\n{finished.words}")
        if matching(self._lytics, storm.REFUSED) and not finished.output["people"]["rejected"].get("address"):
            self._fault("the execution's report does not count the refused addresses")

    def _full_account(self) -> None:
        """Let no contact be added, until some people are parked for that."""
        self._screen.heading("SendGrid's account is full, jobs are late, and the storm goes on")
        self._sendgrid.set_options(contact_limit=self._sendgrid.state()["contacts"])
        with self._screen.watching("parked", None) as watching:

            def parked() -> int:
                dead = self._operator.dead_letters()
                watching.show(["people wait for room"], dead["ImportsDeadLetter"], over=False)
                return dead["ImportsDeadLetter"]

            poll(parked, "parked people", _PARKED_S, interval_s=1)
        self._figures.injected["SendGrid: account full"] += 1
        self._sendgrid.set_options(contact_limit=None)

    def _calm(self) -> None:
        self._screen.step("the faults are over, the account has room, events stop, nobody is killed")
        self._end_the_export()
        self._idle()

    def _idle(self) -> None:
        """Wait until Lytics has sent everything and nothing is on a queue or under way."""
        with self._screen.watching("messages to work off", None) as watching:

            def idle() -> bool:
                delivered, waiting = self._lytics.drain(0.1), self._stage.deployment.queued()
                watching.show(["all sent" if delivered else "Lytics sends"], waiting, over=delivered)
                return delivered and waiting == 0

            poll(idle, "empty queues", _IDLE_S, interval_s=0.5)

    def _redrive(self) -> None:
        """Look why something lies in a dead-letter queue, and redrive it, until nothing does."""
        for _ in range(_REDRIVES):
            if not any(self._operator.dead_letters().values()):
                break
            looked = self._operator.redrive(dry=True)
            said = self._operator.redrive()
            for line in said:
                self._screen.console.print(f"  {line}", markup=False, soft_wrap=True)
            self._figures.redriven += said
            if [line for line in looked if "redriven:" not in line] != [
                line for line in said if "redriven:" not in line
            ]:
                self._fault("a dry redrive said something else than the redrive")
            self._idle()
        if any(dead := self._operator.dead_letters().values()):
            self._fault(f"{sum(dead)} messages are in a dead-letter queue after the redrive")
        if count := self._operator.rejects():
            self._fault(f"{count} messages are in the rejects queue")

    def _prove(self) -> None:
        """Bring back whom only a passing fault had rejected; then everybody is exact, but for the bad addresses."""
        bad = self._bad()
        healing = self._operator.rejected().keys() - bad
        self._figures.healed = len(healing)
        if healing:
            self._screen.step(
                f"{len(healing):,} good people were rejected by a passing fault; each changes once more"
            )
            touch(self._lytics, healing)
            self._idle()
        bad, rejected = self._bad(), self._operator.rejected()
        self._figures.rejected = {
            reason: list(rejected.values()).count(reason) for reason in sorted(set(rejected.values()))
        }
        for email in sorted(bad ^ rejected.keys()):
            wrongly = "is not listed as rejected" if email in bad else "is still rejected"
            self._fault(f"{email} {wrongly}")
        if {rejected.get(email) for email in matching(self._lytics, storm.REFUSED)} - {"address"}:
            self._fault("somebody with a refused address is rejected for something else")
        found = proof(
            self._choices, self._stage, self._lytics, self._sendgrid, self._screen, refused=frozenset(bad)
        )
        self._figures.audiences = found.audiences
        self._figures.differences = len(found.differences)
        if not found.ok:
            self._fault(f"{len(found.differences):,} differences")

    def _bad(self) -> set[str]:
        return matching(self._lytics, f"{storm.REFUSED}|{storm.FAILING}")
