"""The phases: an export under faults, a full account, the end of all faults, a redrive, a check."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.local.chaos import storm
from tests.local.chaos.figures import Figures, struck, struck_elsewhere, survived
from tests.local.chaos.killing import Killer
from tests.local.chaos.live_events import LiveEvents
from tests.local.chaos.people import matching, touch
from tests.local.demo.choices import Choices
from tests.local.demo.scenario import check, watch
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


class PhaseFailed(RuntimeError):
    """A phase failed, so the next one cannot start. The message says why."""


class Chaos:
    """One chaos test."""

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
        """Run all phases. Adds failed checks to ``figures.faults``."""
        figures = self._figures
        figures.people = self._choices.people
        storm.hurry(self._stage.deployment)
        self._lytics.set_faults(**storm.LYTICS)
        with (
            self._killer.of(self._stage.deployment.cloud),
            LiveEvents(self._lytics, EVENTS_A_SECOND, self._seed) as live_events,
        ):
            self._timed("storm", self._export_in_a_storm)
            self._timed("full", self._full_account)
        figures.events = dict(live_events.counts)
        figures.injected += struck(self._sendgrid)
        self._sendgrid.clear_faults()
        self._lytics.set_faults(**storm.CALM)
        self._screen.heading("The faults end")
        self._timed("calm", self._calm)
        self._timed("redrive", self._redrive)
        self._timed("end", self._end_the_export)
        self._timed("check", self._check)
        figures.ok = not figures.faults

    def count(self) -> None:
        """Count the other injected faults, and how the product handled them."""
        self._figures.injected += struck_elsewhere(self._lytics, self._killer.kills)
        self._figures.survived = survived(self._stage.deployment)

    def _timed(self, phase: str, play: Callable[[], None]) -> None:
        begun = time.monotonic()
        try:
            play()
        finally:
            self._figures.seconds[phase] = round(time.monotonic() - begun, 1)

    def _fault(self, message: str) -> None:
        self._figures.faults.append(message)
        self._screen.fault(message)

    def _export_in_a_storm(self) -> None:
        self._screen.heading("Export under faults")
        self._sendgrid.set_faults(*storm.LOST_ANSWERS, seed=self._seed)
        self._execution = self._stage.deployment.start(f"chaos-{self._seed}", self._choices.start)
        with suppress(TimeoutError):  # an execution that has not settled continues during the next phases
            self._watch(_STORM_S)
        self._figures.injected += struck(self._sendgrid)
        self._sendgrid.set_faults(*storm.LATE_JOBS, seed=self._seed)

    def _watch(self, timeout_s: float) -> Ended:
        return watch(self._execution, self._choices, self._stage, self._screen, timeout_s)

    def _end_the_export(self) -> None:
        """Wait for the end of the run. It does not end while a message of it is dead-lettered."""
        finished = self._watch(_END_S)
        self._figures.report = finished.output
        if finished.status != "SUCCEEDED":
            raise PhaseFailed(f"the execution {finished.status.lower()}:\n{finished.error}")
        if matching(self._lytics, storm.REFUSED) and not finished.output["people"]["rejected"].get("address"):
            self._fault("the execution's report does not count the refused addresses")

    def _full_account(self) -> None:
        """Refuse new contacts until some people are parked."""
        self._screen.heading("The SendGrid account is full, import jobs are late, other faults continue")
        self._sendgrid.set_options(contact_limit=self._sendgrid.state()["contacts"])
        with self._screen.watching("parked", None) as watching:

            def parked() -> int:
                dead = self._operator.dead_letters()
                watching.show(["the account is full"], dead["ImportsDeadLetter"], ended=False)
                return dead["ImportsDeadLetter"]

            poll(parked, "parked people", _PARKED_S, interval_s=1)
        self._figures.injected["SendGrid: account full"] += 1
        self._sendgrid.set_options(contact_limit=None)

    def _calm(self) -> None:
        self._screen.step("no more faults, limits, events or kills")
        self._idle()

    def _idle(self) -> None:
        """Wait until Lytics has sent all events and no message is queued or in flight."""
        with self._screen.watching("messages left in queues", None) as watching:

            def idle() -> bool:
                delivered, waiting = self._lytics.drain(0.1), self._stage.deployment.queued()
                watching.show(
                    ["all events sent" if delivered else "Lytics is sending"], waiting, ended=delivered
                )
                return delivered and waiting == 0

            poll(idle, "empty queues", _IDLE_S, interval_s=0.5)

    def _redrive(self) -> None:
        """Redrive until the dead-letter queues are empty. A dry run must first predict each redrive."""
        for _ in range(_REDRIVES):
            if not any(self._operator.dead_letters().values()):
                break
            dry_output = self._operator.redrive(dry=True)
            output = self._operator.redrive()
            for line in output:
                self._screen.console.print(f"  {line}", markup=False, soft_wrap=True)
            self._figures.redriven += output
            if [line for line in dry_output if "redriven:" not in line] != [
                line for line in output if "redriven:" not in line
            ]:
                self._fault("the dry run of the redrive differs from the redrive")
            self._idle()
        if any(dead := self._operator.dead_letters().values()):
            self._fault(f"{sum(dead)} messages are left in dead-letter queues after the redrive")
        if count := self._operator.rejects():
            self._fault(f"{count} messages are in the rejects queue")

    def _check(self) -> None:
        """Resend people that a temporary fault rejected. Then SendGrid may only lack bad addresses."""
        bad = self._bad()
        healing = self._operator.rejected().keys() - bad
        self._figures.healed = len(healing)
        if healing:
            self._screen.step(
                f"changing {len(healing):,} people with valid addresses that a temporary fault rejected"
            )
            touch(self._lytics, healing)
            self._idle()
        bad, rejected = self._bad(), self._operator.rejected()
        self._figures.rejected = {
            reason: list(rejected.values()).count(reason) for reason in sorted(set(rejected.values()))
        }
        for email in sorted(bad ^ rejected.keys()):
            wrongly = "should be listed as rejected" if email in bad else "is still rejected"
            self._fault(f"{email} {wrongly}")
        if {rejected.get(email) for email in matching(self._lytics, storm.REFUSED)} - {"address"}:
            self._fault("a person with a refused address is rejected for another reason")
        result = check(
            self._choices, self._stage, self._lytics, self._sendgrid, self._screen, refused=frozenset(bad)
        )
        self._figures.audiences = result.audiences
        self._figures.differences = len(result.differences)
        if not result.ok:
            self._fault(f"{len(result.differences):,} differences")

    def _bad(self) -> set[str]:
        return matching(self._lytics, f"{storm.REFUSED}|{storm.FAILING}")
