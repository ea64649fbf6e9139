"""The rules of a sweep, each with what takes it out of the code. Without one, some schedule goes wrong."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from functions.sweep import find, look_ups, queue_all, second, sweeping, verify
from functions.sweep.classify import ScanView, Standing, standing
from functions.sweep.scope import Scope
from functions.sweep.session import Session
from functions.sweep.state import Step
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.documents import Person
from lytics_sendgrid.workflow.sweep_progress import SweepProgress
from tests.simulation.resync import real
from tests.simulation.resync.lytics import Bias

type Patch = tuple[Any, str, Any]


def _one_sided(event_ns: int, view: ScanView, person: int) -> Standing:
    found = standing(event_ns, view, person)
    return Standing.NOTHING if found in {Standing.RETURNER, Standing.YOUNG_RETURNER} else found


def _careless(event_ns: int, view: ScanView, person: int) -> Standing:
    found = standing(event_ns, view, person)
    return Standing.RETURNER if found is Standing.YOUNG_RETURNER else found


def _everything(event_ns: int, view: ScanView, person: int) -> Standing:
    """Compare events later than the scan, too."""
    return standing(event_ns, ScanView(view.since_ns, 1 << 63, view.seen), person)


def _unverified(session: Session) -> SweepProgress | None:
    state = session.state
    state.leavers = {audience: list(people) for audience, people in state.suspects.people.items()}
    state.step = Step.QUEUE
    return None


def _any_address(
    audience: Audience, _email: str, found: Mapping[str, Person | LyticsSendGridError | None]
) -> bool | None:
    if any(isinstance(person, LyticsSendGridError) for person in found.values()):
        return None
    return any(isinstance(person, Person) and person.is_in(audience.id, "") for person in found.values())


def _unclear_is_out(
    audience: Audience, email: str, found: Mapping[str, Person | LyticsSendGridError | None]
) -> bool | None:
    return bool(_VERDICT(audience, email, found))


def _now(queue: Callable[[Session, Kind, str, str], None]) -> Callable[[Session, Kind, str, str], None]:
    def queue_now(session: Session, kind: Kind, audience: str, email: str) -> None:
        if kind is Kind.ENTER:
            queue(session, kind, audience, email)
            return
        world = session.tools.clock
        assert isinstance(world, real.RealSweep)
        world.leaves(session, audience, email)
        now_ns = int(session.tools.clock.now() * 1e9)
        session.outgoing.add(session.scopes[audience].export, Change(email, now_ns, kind, audience))

    return queue_now


def _nobody_again(_session: Session, _audience: str) -> "array[int]":
    return array("Q")


_VERDICT: Final = look_ups._verdict


def _standing(replacement: Any) -> list[Patch]:
    return [(module, "standing", replacement) for module in (find, second, queue_all)]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the sweep.

    Attributes:
        patches: what switches it off.
        bias: favors schedules that need it.
        first: a schedule that needed it once. The search begins there, to be short.
    """

    patches: Sequence[Patch]
    bias: Bias = field(default_factory=Bias)
    first: int = 0


RULES: Final[Mapping[str, Rule]] = {
    "seen, but out: a returner": Rule(_standing(_one_sided)),
    "who has just left returns only by a look-up": Rule(_standing(_careless)),
    "events after the scan are left alone": Rule(_standing(_everything)),
    "an audience whose e-mail fields changed is not swept": Rule(
        [(Scope, "is_stale", property(lambda _scope: False)), (Session, "changed", lambda _session: set())],
        first=5_950,
    ),
    "suspects are verified": Rule([(sweeping, "_STEPS", {**sweeping._STEPS, Step.LOOK_UP: _unverified})]),
    "not earlier than the scan's lag": Rule(
        [(verify, "_wait_s", lambda _session, _concerned: 0)], Bias(identifying=True, skips=0.2)
    ),
    "the profile that is found must hold the address": Rule([(look_ups, "_verdict", _any_address)]),
    "an unclear answer takes nobody out": Rule([(look_ups, "_verdict", _unclear_is_out)]),
    "look-ups must find whom the scans have shown": Rule(
        [(verify, "_calibrated", lambda session, concerned: any(map(session.can_ask, concerned)))],
        first=350,
    ),
    "whom the second scan has seen stays": Rule(
        [(second, "_seen_again", _nobody_again)], Bias(identifying=False, skips=0.2)
    ),
    "leavers leave at the scan's time": Rule([(real, "CHECKED_QUEUE", _now(real.CHECKED_QUEUE))]),
}
"""Each rule of the sweep."""

WORLD_RULES: Final = (
    "stamp_less_lag",
    "union_of_email_fields",
    "stopped_exports_count",
    "begins_anew",
    "sweep_after_start_again",
)
"""Rules that the scan and the state machine keep for the sweep, switched off in the world."""
