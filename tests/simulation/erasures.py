"""People are erased while their events are on the way; some sign up again."""

from dataclasses import replace
from random import Random
from typing import Final

from functions.erase.erasing import Sides, erase
from functions.erase.person import EraseDelays
from functions.erase.request import EraseRequest
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, parse_rfc3339_ns
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.api import SendGrid as SendGridApi
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable
from tests.simulation.engine import START_S, Process
from tests.simulation.functions import CHANGES, Services, WorldClock
from tests.simulation.scenario import AUDIENCES, REFRESH_DELAY_S, Event, Post, Scenario
from tests.simulation.sendgrid import INVALID

CLEAR_DELAY_S: Final = 180
_RETURN_S: Final = 100_000
"""Event time of who signs up again, after the beginning of event time: later than any erasure."""
_TIMEOUT_S: Final = 300.0
_AGAIN_S: Final = 60.0
_ENDLESS: Final = frozenset({"job_late", "job_stuck"})
"""An import job of more than 15 minutes may bring an erased person back to SendGrid: see docs/operate.md."""


def with_erasures(scenario: Scenario, seed: int, share: float) -> Scenario:
    """Add erasures to a share of the scenarios. Draws of their own leave the others as they were."""
    r = Random(seed * 64 + 60)
    if r.random() >= share or not scenario.posts or scenario.poison is not None:
        return scenario
    told = [post for post in scenario.posts if not post.question]
    people = sorted({event.email for post in told for event in post.events})
    spread_s = max(post.at_s for post in scenario.posts) + 60
    posts = list(scenario.posts)
    erased = [email for email in people[:20] if r.random() < 0.7] or people[:1]
    erasures = tuple((email, r.random() * spread_s) for email in erased)
    for number, (email, at_s) in enumerate(erasures):
        later = [post for post in told if any(event.email == email for event in post.events)]
        if r.random() < 0.7:
            posts.append(replace(r.choice(later), at_s=at_s + r.random() * 2_000))
        posts += _after(r, email, at_s, number)
    rates = {kind: rate for kind, rate in scenario.rates.items() if kind not in _ENDLESS}
    return replace(scenario, posts=tuple(posts), erasures=erasures, rates=rates)


def _after(r: Random, email: str, at_s: float, number: int) -> list[Post]:
    """Return what is queued about a person after the erasure.

    Who signs up again gets enters only, and what these win over in any order. An exit that arrives before its
    enter would be lost.
    """
    posts = []

    def post(kind: Kind, audience: str | None, time_s: int, *, is_scan: bool = False, **fields: str) -> None:
        event = Event(email, kind, audience, time_s, fields, time_s)
        run, number_of_run = ("run1", f"erased.{number}") if is_scan else (None, None)
        delay_s = r.choice((1.0, 100.0, 250.0, 2_000.0)) * (1 + r.random())
        posts.append(Post(at_s + delay_s, "newsletter", (event,), run, number_of_run, is_scan=is_scan))

    audience = r.choice(AUDIENCES)
    if r.random() < 0.5:
        post(Kind.ENTER, audience, 0, is_scan=True)
    if r.random() < 0.5 and not email.startswith(INVALID):
        post(Kind.EXIT, audience, _RETURN_S)
        for time_s in range(1, r.randint(2, 4)):
            post(Kind.ENTER, audience, _RETURN_S + time_s, city="Oslo")
    else:
        post(r.choice((Kind.EXIT, Kind.CHANGE)), audience, _RETURN_S, city="Rome")
    return posts


class Eraser:
    """Erases one person, and asks again until that has ended, as ``make erase`` does.

    Attributes:
        escaped: errors that the function raised and that are not ours.
    """

    def __init__(self, services: Services, email: str, at_s: float) -> None:
        self.escaped: list[Exception] = []
        self._services = services
        self._email = email
        services.world.at(START_S + at_s, self._invoke)

    def _invoke(self) -> None:
        world = self._services.world
        process = Process(f"erase {self._email}", lambda: world.at(world.now + _AGAIN_S, self._invoke))
        world.spawn(process, lambda: self._erase(process))
        world.at(world.now + _TIMEOUT_S, lambda: world.kill(process, "it timed out"))

    def _erase(self, process: Process) -> None:
        world = self._services.world
        again_s: float | None = world.now + _AGAIN_S
        try:
            answer = erase(EraseRequest("newsletter", (self._email,)), _sides(self._services), world.clock())
            world.tell("%s", answer)
            after = answer["check_after"]
            again_s = None if after is None else parse_rfc3339_ns(after) / NANOSECONDS_PER_S
            if "refused" in answer["counts"]:
                again_s = world.now + _AGAIN_S
        except LyticsSendGridError as error:
            world.tell("not erased: %s", error)
        except Exception as error:
            self.escaped.append(error)
            raise
        process.alive = False
        if again_s is not None:
            world.at(max(again_s, world.now + 1), self._invoke)


def _sides(services: Services) -> Sides:
    clock = WorldClock(services.world)
    sendgrid = SendGridApi(services.sendgrid, clock)
    return Sides(
        configurations=ExportsTable(services.dynamodb, "exports"),
        ledger=ContactsTable(services.dynamodb, "contacts", clock, each=services.world.each),
        erasures=ErasuresTable(services.dynamodb, "exports"),
        changes=QueueWriter(services.sqs, CHANGES),
        sendgrid=lambda _: sendgrid,
        hold_days=30,
        delays=EraseDelays(CLEAR_DELAY_S, REFRESH_DELAY_S),
    )
