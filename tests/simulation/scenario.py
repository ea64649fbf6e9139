"""Draw a schedule's contacts, events, faults and environment from a seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from lytics_sendgrid.domain.change import Kind
from tests.simulation.faults import RATES
from tests.simulation.sendgrid import ERRORED, INVALID, REFUSED

AUDIENCES: Final = ("a" * 32, "b" * 32)
FIELDS: Final = ("city", "plan")
REFRESH_DELAY_S: Final = 900
_JOB_MAX_S: Final = 700
"""The timeout is 120 s, and a request takes up to 60 s. So every job ends within the refresh delay."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a contact.

    Attributes:
        email: the contact's address.
        kind: enter, exit or change.
        audience: the audience entered or exited; None for a change.
        time_s: event time, seconds after the start.
        fields: Lytics field to value.
        fields_time_s: time of the field values.
    """

    email: str
    kind: Kind
    audience: str | None
    time_s: int
    fields: Mapping[str, str]
    fields_time_s: int


@dataclass(frozen=True, slots=True)
class Post:
    """A message that ingest or a run queues.

    Attributes:
        at_s: when it is queued, seconds after the start.
        export: its export.
        events: its changes.
        run: the run that wrote it, if one did.
        number: its number within the run.
        is_scan: its enters are rows of a scan: they have the least time that counts.
        question: a dry run asks it.
    """

    at_s: float
    export: str
    events: tuple[Event, ...]
    run: str | None = None
    number: str | None = None
    is_scan: bool = False
    question: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A schedule's content and environment.

    Attributes:
        posts: the messages queued.
        consumers: the maximum of concurrent invocations of deliver.
        batch: the maximum of messages in an invocation.
        latency_s: the longest that a request, or an answer, takes.
        job_max_s: the longest that an import job takes.
        publishes_s: when a new version of the configuration is published, seconds after the start.
        rates: fault to probability.
        faults: the maximum number of faults.
        faults_s: when they stop, seconds after the start.
        poison: the contact whose change kills its consumers, if any.
        erasures: who is erased, and when the first attempt begins, seconds after the start.
        second_field: the second audience has its own membership field.
        second_list: the second export has a list, too.
        says_when: SendGrid's jobs report when they finished.
        receives: how often a message is received before it is dead-lettered.
        skew_s: the largest clock skew of a consumer, ahead or behind.
        since_s: once the second audience is added again, its events that are not later are ignored.
        clears: after each removal of the second audience, a run clears it.
    """

    posts: tuple[Post, ...]
    consumers: int = 2
    batch: int = 5
    latency_s: float = 0.1
    job_max_s: float = 300.0
    publishes_s: tuple[float, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    faults: int = 20
    faults_s: float = 7_200.0
    poison: str | None = None
    erasures: tuple[tuple[str, float], ...] = ()
    second_field: bool = False
    second_list: bool = False
    says_when: bool = True
    receives: int = 10
    skew_s: float = 0.0
    since_s: int | None = None
    clears: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """Makes some scenarios more likely.

    Attributes:
        only: the only kinds of fault allowed; None allows all.
        always: faults that are always present, with their rates.
        contacts: the maximum number of contacts.
        bad: probability that a contact has a value that SendGrid refuses.
        poison: probability of a poisonous change.
        large: probability of a large scenario.
        publishes: probability that the configuration changes.
        two_exports: probability of a second export.
        spread_s: the time over which messages arrive; drawn if None.
        events: the choices for a contact's number of events.
        audiences: the number of audiences.
        runs: probability of runs of an export that lives: audiences are removed and added again, scanned and
            swept.
        erasures: probability of erasures.
        fixed: fields of the scenario that are not drawn.
    """

    only: tuple[str, ...] | None = None
    always: Mapping[str, float] = field(default_factory=dict)
    contacts: int = 3
    bad: float = 0.08
    poison: float = 0.02
    large: float = 0.001
    publishes: float = 0.2
    two_exports: float = 0.15
    spread_s: float | None = None
    events: tuple[int, ...] = (1, 2, 2, 3, 4, 6)
    audiences: int = 2
    runs: float = 0.0
    erasures: float = 0.0
    fixed: Mapping[str, Any] = field(default_factory=dict)


PLAIN: Final = Bias(runs=0.3, erasures=0.2)
_CRASHES: Final = ("crash", "abandoned", "stall", "received_twice", "delete_lost")


def draw_events(seed: int, bias: Bias) -> Scenario:
    """Draw a scenario without runs."""
    r = Random(seed * 64 + 63)
    poisonous, is_large = r.random() < bias.poison, r.random() < bias.large
    # More than 1 % of bad rows in a large batch stops an export until a person fixes it, as it should.
    bad = 0.002 if is_large else bias.bad
    people = r.choice((60, 200, 2_000)) if is_large else min(r.choice((1, 1, 1, 2, 3)), bias.contacts)
    spread_s = bias.spread_s or r.choice((0.2, 5.0, 60.0, 700.0, 2_000.0))
    exports = ("newsletter", "offers") if r.random() < bias.two_exports else ("newsletter",)
    events = []
    for number in range(people):
        email = f"{INVALID if r.random() < bad / 2 else 'person'}{number}@example.org"
        values = (
            "Oslo",
            "Rome",
            *((REFUSED, ERRORED)[: 1 + (r.random() < 0.7)] if r.random() < bad else ()),
        )
        span_s = r.choice((3, 30))
        count = 1 if is_large else r.choice(bias.events)
        events += [_event(r, email, values, span_s, AUDIENCES[: bias.audiences]) for _ in range(count)]
    rates = _rates(r, bias)
    scenario = Scenario(
        posts=_posts(r, events, exports, spread_s, is_large),
        consumers=r.randint(1, 3),
        batch=r.choice((1, 3, 10)),
        latency_s=r.choice((0.01, 0.1, 1.0)),
        job_max_s=r.choice((20.0, 200.0, _JOB_MAX_S)),
        publishes_s=tuple(
            sorted(
                r.random() * (spread_s + 60)
                for _ in range(r.randint(1, 2) if r.random() < bias.publishes else 0)
            )
        ),
        rates=rates,
        faults=r.choice((1, 3, 6, 12, 12, 40)),
        faults_s=r.choice((1_500.0, 4_000.0, 10_000.0)),
        second_field=r.random() < 0.2,
        says_when=r.random() < 0.5,
        receives=r.choice((10, 10, 10, 10, 1)),
        skew_s=r.choice((0.0, 0.0, 0.5)),
        second_list=r.random() < 0.5,
    )
    scenario = replace(scenario, **bias.fixed)
    if poisonous:
        poison = Post(
            r.random() * spread_s, exports[0], (_event(r, "poison@example.org", ("Oslo",), 3, AUDIENCES),)
        )
        kept = {kind: rate for kind, rate in rates.items() if kind not in _CRASHES}
        posts = (*scenario.posts, poison)
        scenario = replace(scenario, posts=posts, rates=kept, poison="poison@example.org")
        # A fault of a read before the poisonous one puts the change back as a new message, which counts from
        # zero. So the faults must last until all of them have happened, and ten receives more.
        return replace(scenario, faults_s=150_000.0, receives=10)
    return scenario


def _event(r: Random, email: str, values: tuple[str, ...], span_s: int, audiences: tuple[str, ...]) -> Event:
    kind = r.choice((Kind.ENTER, Kind.ENTER, Kind.EXIT, Kind.EXIT, Kind.CHANGE))
    time_s = r.randrange(span_s)
    fields = {name: r.choice(values) for name in FIELDS if r.random() < 0.4}
    fields_time_s = time_s if r.random() < 0.7 else r.randrange(span_s)
    return Event(
        email, kind, None if kind is Kind.CHANGE else r.choice(audiences), time_s, fields, fields_time_s
    )


def _posts(
    r: Random, events: list[Event], exports: tuple[str, ...], spread_s: float, is_large: bool
) -> tuple[Post, ...]:
    """Put events into messages, some of them more than once."""
    r.shuffle(events)
    posts: list[Post] = []
    while events:
        size = r.randint(20, 400) if is_large else r.choice((1, 1, 1, 2, 3))
        some, events = tuple(events[:size]), events[size:]
        run = "run1" if r.random() < 0.3 else None
        post = Post(r.random() * spread_s, r.choice(exports), some, run, str(len(posts)) if run else None)
        posts.append(post)
        if r.random() < 0.25:
            posts.append(replace(post, at_s=r.random() * spread_s))
    return tuple(posts)


def _rates(r: Random, bias: Bias) -> dict[str, float]:
    """Draw the kinds of fault: a few kinds at a time reach further than all kinds always."""
    density = r.choice((0.1, 0.3, 0.6))
    scale = r.choice((0.5, 1.0, 2.0))
    rates = {kind: min(rate * scale, 0.9) for kind, rate in RATES.items() if r.random() < density}
    if bias.only is not None:
        rates = {kind: rate for kind, rate in rates.items() if kind in bias.only}
    return rates | dict(bias.always)
