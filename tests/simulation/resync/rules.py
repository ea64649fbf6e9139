"""The rules of a sweep, each with what takes it out of the code. Without one, some schedule goes wrong."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from functions.sweep import find, look_ups, queue_all, scope, second, sweeping, verify
from functions.sweep.classify import ScanView, Standing, standing
from functions.sweep.decide import calibration
from functions.sweep.scope import Scope
from functions.sweep.session import SweepInvocation
from functions.sweep.state import Step
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.documents import LyticsPerson
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


def _unverified(session: SweepInvocation) -> SweepProgress | None:
    state = session.state
    state.leavers = {audience: list(people) for audience, people in state.suspects.people.items()}
    state.step = Step.QUEUE
    return None


def _unsampled(session: SweepInvocation) -> SweepProgress | None:
    state = session.state
    state.by_walk |= set(state.samples)
    state.samples = {}
    state.step = Step.SECOND_WALK
    return None


def _any_address(
    audience: Audience, _email: str, found: Mapping[str, LyticsPerson | LyticsSendGridError | None]
) -> bool | None:
    if any(isinstance(person, LyticsSendGridError) for person in found.values()):
        return None
    return any(
        isinstance(person, LyticsPerson) and person.is_in(audience.id, "") for person in found.values()
    )


def _no_doubt(session: SweepInvocation, concerned: set[str]) -> str:
    """Believe look-ups where they can be made."""
    return "" if any(map(session.can_ask, concerned)) else "no_identity"


def _capitals_in_turn(samples: Mapping[str, Sequence[tuple[str, bool]]]) -> list[tuple[str, str]]:
    """Choose people in any order, whether or not their addresses have capitals."""
    return calibration({audience: [(email, False) for email, _ in of] for audience, of in samples.items()})


def _unclear_is_out(
    audience: Audience, email: str, found: Mapping[str, LyticsPerson | LyticsSendGridError | None]
) -> bool | None:
    return bool(_VERDICT(audience, email, found))


def _now(
    queue: Callable[[SweepInvocation, Kind, str, str], None],
) -> Callable[[SweepInvocation, Kind, str, str], None]:
    def queue_now(session: SweepInvocation, kind: Kind, audience: str, email: str) -> None:
        if kind is Kind.ENTER:
            queue(session, kind, audience, email)
            return
        world = session.tools.clock
        assert isinstance(world, real.RealSweep)
        world.leaves(session, audience, email)
        now_ns = int(session.tools.clock.now() * 1e9)
        session.outgoing.add(session.scopes[audience].export, Change(email, now_ns, kind, audience))

    return queue_now


def _nobody_again(_session: SweepInvocation, _audience: str) -> "array[int]":
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
        off: what is switched off in the world: a rule that scans and runs keep for the sweep.
    """

    patches: Sequence[Patch] = ()
    bias: Bias = field(default_factory=Bias)
    first: int = 0
    off: frozenset[str] = frozenset()


def _in_world(name: str, first: int = 0, **bias: Any) -> Rule:
    return Rule(bias=Bias(**bias), first=first, off=frozenset({name}))


RULES: Final[Mapping[str, Rule]] = {
    "seen, but out: a returner": Rule(_standing(_one_sided)),
    "who has just left returns only by a look-up": Rule(_standing(_careless), first=83),
    "events after the scan are left alone": Rule(_standing(_everything), first=75),
    "an audience whose e-mail fields changed is not swept": Rule(
        [
            (Scope, "is_stale", property(lambda _scope: False)),
            (SweepInvocation, "changed", lambda _session: set()),
        ],
        Bias(identifying=False, operates=0.2),
        first=12,
    ),
    "suspects are verified": Rule([(sweeping, "_STEPS", {**sweeping._STEPS, Step.LOOK_UP: _unverified})]),
    "not earlier than the scan's lag": Rule(
        [(verify, "_wait_s", lambda _session, _concerned: 0)],
        Bias(identifying=True, skips=0.2),
        first=350,
    ),
    "the profile that is found must hold the address": Rule([(look_ups, "_verdict", _any_address)]),
    "an unclear answer takes nobody out": Rule(
        [(look_ups, "_verdict", _unclear_is_out)],
        Bias(identifying=True, unhealthy=0.3, look_ups=9, sample=9),
        first=43,
    ),
    "look-ups must find whom the scans have shown": Rule(
        [(verify, "_doubt", _no_doubt)],
        first=350,
    ),
    "those with capitals are looked up first": Rule(
        [(verify, "calibration", _capitals_in_turn)],
        Bias(identifying=True, capitals=1.0, calibration=1, skips=0.2),
        first=220,
    ),
    "whom the second scan has seen stays": Rule(
        [(second, "_seen_again", _nobody_again)], Bias(identifying=False, skips=0.2), first=46
    ),
    "of the many whom a second scan has not seen, some are looked up": Rule(
        [(sweeping, "_STEPS", {**sweeping._STEPS, Step.SAMPLE: _unsampled})],
        Bias(identifying=True, unhealthy=0.3, look_ups=0, sample=9),
    ),
    "nobody leaves whose audience was not scanned completely": Rule(
        [(Checkpoint, "mismatch", "")], Bias(identifying=False, skips=0.2), first=10
    ),
    "nobody leaves if a scan shows far fewer than Lytics counts": Rule(
        [(scope, "_shortage", lambda _scan, _size: "")], Bias(identifying=False, empty=0.4)
    ),
    "nobody leaves if no row has an address": Rule(
        [(Checkpoint, "addresses_found", True)], Bias(identifying=False, mute=0.4)
    ),
    "nothing is emptied on 404": _in_world("gone_is_trouble", identifying=False, gone=0.4),
    "the guard": Rule(
        [(find, "is_guarded", lambda _swept, _percent: False)],
        Bias(identifying=False, empty=0.4, counts_empty=True, guard_from=0),
    ),
    "leavers leave at the scan's time": Rule([(real, "CHECKED_QUEUE", _now(real.CHECKED_QUEUE))]),
    "a scan has the least time that counts": _in_world("least_time", first=30),
    "S is 10 minutes before the scan": _in_world("stamp_less_lag", first=670),
    "a scan that begins again has seen nobody": _in_world("forget_on_restart", first=485),
    "hashes are written before the checkpoint": _in_world(
        "hashes_before_checkpoint", identifying=False, first=29
    ),
    "every e-mail field shows members": _in_world("union_of_email_fields"),
    "those of stopped exports, too": _in_world("stopped_exports_count", first=13),
    "the second scan is whole": _in_world("second_scan_whole", first=600, identifying=False, parts=True),
    "the parts of a scan are compared with the whole": _in_world("parts_are_compared", parts=True, first=15),
    "events before an audience was added again are ignored": _in_world("begins_anew", first=61),
    "a start again is swept": _in_world("sweep_after_start_again"),
    "a removed audience of another export is swept": _in_world("shared_is_swept"),
    "the next run finishes a clearing": _in_world("to_clear_is_listed", dies=0.1, first=38),
    "rows hold the ids of stopped audiences": _in_world("stopped_ids_stay", first=210),
    "rows hold the ids of kept audiences": _in_world("kept_ids_stay", keeps=0.5),
    "a kept audience that is added again keeps its events": _in_world("kept_since_stays", keeps=0.5),
    "a seat is free only when the segment is deleted": _in_world("seats_stay_taken", operates=0.2),
}
"""Each rule of a resync."""
