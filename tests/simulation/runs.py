"""Draw the runs of an export that lives: its audiences are removed, added again, scanned and swept."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final

from lytics_sendgrid.domain.change import Kind
from tests.simulation.erasures import with_erasures
from tests.simulation.scenario import AUDIENCES, FIELDS, PLAIN, Bias, Event, Post, Scenario, draw_events

RUN: Final = "run1"
_SCANNED: Final = "Scan"
"""A scan's values are newer than those of events, and different: so the end does not depend on the order."""
_PAGE_S: Final = 100


def draw(seed: int, bias: Bias = PLAIN) -> Scenario:
    """Draw a scenario."""
    return with_erasures(_with_runs(draw_events(seed, bias), seed, bias.runs), seed, bias.erasures)


def _with_runs(scenario: Scenario, seed: int, share: float) -> Scenario:
    """Add runs to a share of the scenarios.

    Draws of their own leave the scenario without runs as it was.
    """
    r = Random(seed * 64 + 61)
    if r.random() >= share or not scenario.posts:
        return scenario
    spread_s = max(post.at_s for post in scenario.posts) + 60
    if r.random() < 0.8:
        spread_s *= r.choice((1, 3))
        publishes_s = tuple(sorted(r.random() * spread_s for _ in range(r.randint(1, 3))))
        scenario = replace(scenario, publishes_s=scenario.publishes_s or publishes_s, clears=True)
    people = sorted({event.email for post in scenario.posts for event in post.events})
    if r.random() < 0.6:
        last_s = max(event.time_s for post in scenario.posts for event in post.events)
        scenario = replace(scenario, since_s=r.randint(0, last_s))
    is_unchanged = r.random() < 0.2
    if is_unchanged:
        scenario = _with_one_value(scenario)
    value = "Oslo" if is_unchanged else _SCANNED
    posts = [_without_old_fields(post, scenario.since_s) for post in scenario.posts]
    for number in range(r.randint(1, 4)):
        at_s = r.random() * spread_s * 1.2
        some = tuple(r.sample(people, r.randint(1, min(len(people), 50))))
        kind = r.random()
        if kind < 0.6:
            rows = tuple(_row(r, email, number, value, has_fields=scenario.since_s is None) for email in some)
            post = Post(at_s, "newsletter", rows, RUN, f"scan.{number}", is_scan=True)
        else:
            exits = tuple(_plain(r, email, Kind.EXIT) for email in some)
            post = Post(at_s, "newsletter", exits, RUN, f"sweep.{number}")
        posts.append(post)
        if r.random() < 0.3:
            posts.append(replace(post, at_s=r.random() * spread_s * 1.2))
    if r.random() < 0.3:
        posts.append(_question(r, people, spread_s))
    return replace(scenario, posts=tuple(_without_old_fields(post, scenario.since_s) for post in posts))


def _row(r: Random, email: str, number: int, value: str, *, has_fields: bool) -> Event:
    fields = {name: value for name in FIELDS if r.random() < 0.5} if has_fields else {}
    return Event(email, Kind.ENTER, r.choice(AUDIENCES), 0, fields, _PAGE_S + number)


def _plain(r: Random, email: str, kind: Kind) -> Event:
    time_s = r.randrange(30)
    return Event(email, kind, r.choice(AUDIENCES), time_s, {}, time_s)


def _question(r: Random, people: Sequence[str], spread_s: float) -> Post:
    asked = (*r.sample(people, 1), "asked@example.org")
    events = tuple(_plain(r, email, r.choice((Kind.ENTER, Kind.EXIT))) for email in asked)
    return Post(r.random() * spread_s, "newsletter", events, RUN, "question", question=True)


def _with_one_value(scenario: Scenario) -> Scenario:
    """Give all fields of all events one value: then a scan finds nothing to correct."""
    posts = [
        replace(
            post,
            events=tuple(replace(e, fields=dict.fromkeys(e.fields, "Oslo")) for e in post.events),
        )
        for post in scenario.posts
    ]
    return replace(scenario, posts=tuple(posts))


def _without_old_fields(post: Post, since_s: int | None) -> Post:
    """Take the fields out of events that are ignored once ``since`` is later than they.

    Whether such an event is merged depends on the configuration that its consumer has.
    """
    if since_s is None or post.is_scan:
        return post
    events = tuple(
        replace(event, fields={}) if event.audience == AUDIENCES[1] and event.time_s <= since_s else event
        for event in post.events
    )
    return replace(post, events=events)
