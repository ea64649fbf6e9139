"""Shorten a diverging schedule while it still diverges: fewer messages, events and faults."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tests.simulation.scenario import Scenario
from tests.simulation.schedule import Outcome, run

_TIMINGS: Final = 4
"""Timings to try for each simpler case: removing anything moves all other times."""
_MAX_RUNS: Final = 3_000


@dataclass(frozen=True, slots=True)
class Case:
    """A schedule: its scenario, its seeds, and the faults to leave out."""

    scenario: Scenario
    seed: int
    timing: int
    suppressed: frozenset[tuple[str, int]] = frozenset()

    def run(self, *, traced: bool = False) -> Outcome:
        """Run the case. The outcome is always the same."""
        return run(self.scenario, self.seed, self.timing, self.suppressed, traced=traced)


def case_of(scenario: Scenario, seed: int) -> Case:
    """Return a seed's schedule."""
    return Case(scenario, seed, seed)


def shrunk(case: Case, note: Callable[[str], None] = lambda _: None) -> Case:
    """Return a smaller case that still diverges and cannot be reduced further.

    Args:
        case: a diverging case.
        note: called with a description of each step.
    """
    runs = 0
    progress = True
    while progress and runs < _MAX_RUNS:
        progress = False
        for candidate in _simpler(case):
            for timing in range(_TIMINGS):
                tried = replace(candidate, timing=candidate.timing + timing)
                runs += 1
                if tried.run().divergence is not None:
                    case, progress = tried, True
                    posts, faults = case.scenario.posts, len(case.run().hits)
                    note(
                        f"{len(posts)} messages, {sum(len(p.events) for p in posts)} events, {faults} faults"
                    )
                    break
            if progress:
                break
    return case


def _simpler(case: Case) -> Iterator[Case]:
    """Yield cases that are one step simpler, largest steps first."""
    scenario = case.scenario
    for fewer in _without_posts(scenario):
        yield replace(case, scenario=fewer)
    hits = case.run().hits
    for kind in dict.fromkeys(kind for kind, _ in hits):
        rates: Mapping[str, float] = {k: rate for k, rate in scenario.rates.items() if k != kind}
        yield replace(case, scenario=replace(scenario, rates=rates))
    for hit in hits:
        yield replace(case, suppressed=case.suppressed | {hit})
    for plainer in (
        replace(scenario, consumers=1),
        replace(scenario, batch=1),
        replace(scenario, publishes_s=scenario.publishes_s[1:]),
        replace(scenario, second_field=False),
        replace(scenario, posts=tuple(replace(post, run=None, number=None) for post in scenario.posts)),
    ):
        if plainer != scenario:
            yield replace(case, scenario=plainer)


def _without_posts(scenario: Scenario) -> Iterator[Scenario]:
    posts = scenario.posts
    for number, post in enumerate(posts):
        if len(posts) > 1:
            yield replace(scenario, posts=posts[:number] + posts[number + 1 :])
        for index in range(len(post.events)) if len(post.events) > 1 else ():
            events = post.events[:index] + post.events[index + 1 :]
            yield replace(
                scenario, posts=(*posts[:number], replace(post, events=events), *posts[number + 1 :])
            )
