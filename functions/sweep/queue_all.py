"""Queue the exits of leavers and the enters of returners, unless the run only asks."""

from collections.abc import Callable

from functions.sweep.classify import Standing, standing
from functions.sweep.scope import CHANGED, SECOND
from functions.sweep.session import SweepInvocation, go_on
from functions.sweep.state import Step
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.seen import is_seen, seen_hash
from lytics_sendgrid.workflow.sweep_progress import SweepProgress


def queue_all(session: SweepInvocation) -> SweepProgress | None:
    """Queue everybody who is kept, then walk for those of the audiences that have too many."""
    state = session.state
    changed = session.changed()
    for audience in changed:
        _leave_out(session, audience)
    if session.request.dry_run:
        _count_only(session, changed)
        state.step = Step.DONE
        return None
    _queue_kept(session)
    leaving, returning = state.by_walk, state.returning.dropped - changed
    if (leaving or returning) and not session.walk(_visitor(session, leaving, returning)):
        return go_on("queues the exits of leavers and the enters of returners")
    state.step = Step.DONE
    return None


def _leave_out(session: SweepInvocation, audience: str) -> None:
    """Queue nothing for an audience whose exports or e-mail fields are not those of the scan any more."""
    state, tally = session.state, session.tally(audience)
    if not tally.trouble:
        tally.note = CHANGED
        tally.stayed.clear()
        tally.stay("changed", tally.suspects)
    state.leavers.pop(audience, None)
    state.by_walk.discard(audience)
    state.confirmed.pop(audience, None)
    state.returning.drop(audience)


def _count_only(session: SweepInvocation, changed: set[str]) -> None:
    state = session.state
    for audience, tally in state.tallies.items():
        tally.leavers = (
            tally.candidates if audience in state.by_walk else len(state.leavers.get(audience, ()))
        )
        tally.returned = len(state.confirmed.get(audience, ()))
        if audience not in changed:
            tally.returned += tally.returners


def _queue_kept(session: SweepInvocation) -> None:
    """Queue everybody who is kept, and forget them: the next invocation must not count them again."""
    state = session.state
    returning = {audience: list(people) for audience, people in state.returning.people.items()}
    for kind, lists in (
        (Kind.EXIT, state.leavers),
        (Kind.ENTER, state.confirmed),
        (Kind.ENTER, returning),
    ):
        for audience, emails in lists.items():
            for email in emails:
                _queue(session, kind, audience, email)
    state.leavers, state.confirmed, state.returning.people = {}, {}, {}


def _visitor(
    session: SweepInvocation, leaving: set[str], returning: set[str]
) -> Callable[[str, Contact], None]:
    """Return what queues a contact that was not kept."""
    run = session.request.run
    views = {audience: session.views[audience] for audience in leaving | returning}
    again = {audience: session.seen(session.second_scans[audience], audience, SECOND) for audience in leaving}

    def visit(email: str, contact: Contact) -> None:
        for audience, view in views.items():
            event_ns = contact.memberships.get(audience)
            if event_ns is None:
                continue
            person = seen_hash(run, email)
            result = standing(event_ns, view, person)
            if result is Standing.SUSPECT and audience in leaving and not is_seen(again[audience], person):
                _queue(session, Kind.EXIT, audience, email)
            elif result is Standing.RETURNER and audience in returning:
                _queue(session, Kind.ENTER, audience, email)

    return visit


def _queue(session: SweepInvocation, kind: Kind, audience: str, email: str) -> None:
    """Queue a change at the scan's time: any later event wins over it."""
    scope, tally = session.scopes[audience], session.tally(audience)
    session.outgoing.add(scope.export, Change(email, scope.stamp_ns, kind, audience))
    if kind is Kind.EXIT:
        tally.leavers += 1
    else:
        tally.returned += 1
