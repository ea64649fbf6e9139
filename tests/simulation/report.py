"""Explain a diverging schedule to a person."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from tests.simulation.scenario import AUDIENCES
from tests.simulation.shrink import Case, shrunk

_NS: Final = re.compile(r"17899990(\d\d)000000000")
_WIDTH: Final = 230


def readable(line: str) -> str:
    """Shorten a line of a trace: audiences to A and B, event times to seconds, addresses without domain."""
    for audience in AUDIENCES:
        line = line.replace(audience, audience[0].upper())
    line = _NS.sub(r"\1s", line.replace("@example.org", ""))
    line = line.replace("/v3/marketing/contacts", "").replace('"list_ids": ["list1"],', "")
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"


def explained(case: Case, say: Callable[[str], None]) -> None:
    """Shrink a diverging case and print its trace."""
    say(f"seed {case.seed}: {case.run().divergence}\n\nshrinking …\n")
    case = shrunk(case, lambda step: say(f"  {step}\n"))
    for line in _lines(case):
        say(f"{line}\n")


def _lines(case: Case) -> Iterator[str]:
    outcome = case.run(traced=True)
    scenario = case.scenario
    yield ""
    yield f"{scenario.consumers} consumers at once, {scenario.batch} messages each at most"
    yield f"faults: {', '.join(kind for kind, _ in outcome.hits) or 'none'}"
    yield ""
    yield from map(readable, outcome.trace)
    yield ""
    yield f"{outcome.divergence}"
