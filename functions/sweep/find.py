"""The first walk: find suspects and returners, and stop what the guard stops."""

from collections.abc import Callable

from functions.sweep.classify import Standing, standing
from functions.sweep.guard import is_guarded
from functions.sweep.scope import CHANGED, Scope
from functions.sweep.session import SweepInvocation, go_on
from functions.sweep.state import Step, SweepState
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.seen import seen_hash
from lytics_sendgrid.domain.sweep_findings import SweptAudience
from lytics_sendgrid.domain.walking import first_position
from lytics_sendgrid.workflow.sweep_progress import SweepProgress


def walk_first(session: SweepInvocation) -> SweepProgress | None:
    """Compare every contact with the scans."""
    state = session.state
    if not state.tallies:
        state.tallies = {audience: _tally(scope) for audience, scope in session.scopes.items()}
    if not session.walk(_visitor(session)):
        return go_on(f"{state.contacts:,} contacts compared with the scans")
    for audience, tally in state.tallies.items():
        _judge(session, audience, tally)
    state.position = first_position()
    state.step = Step.LOOK_UP
    return None


def _visitor(session: SweepInvocation) -> Callable[[str, Contact], None]:
    """Return what compares a contact with the scans."""
    state, run, views = session.state, session.request.run, session.views

    def visit(email: str, contact: Contact) -> None:
        state.contacts += 1
        events = [(audience, event) for audience, event in contact.memberships.items() if audience in views]
        if not events:
            return
        person = seen_hash(run, email)
        for audience, event_ns in events:
            found = standing(event_ns, views[audience], person)
            if found is Standing.MEMBER:
                state.tallies[audience].members += 1
            elif found is not Standing.NOTHING:
                _note(state, found, audience, email, event_ns)

    return visit


def _note(state: SweepState, found: Standing, audience: str, email: str, event_ns: int) -> None:
    tally = state.tallies[audience]
    if found is Standing.SUSPECT:
        tally.members += 1
        tally.suspects += 1
        if not tally.trouble:
            state.suspects.add(audience, email, event_ns)
    elif found is Standing.RETURNER:
        tally.returners += 1
        state.returning.add(audience, email, event_ns)
    else:
        tally.young += 1
        state.young.add(audience, email, event_ns)


def _tally(scope: Scope) -> SweptAudience:
    return SweptAudience(trouble=scope.trouble, note=CHANGED if scope.is_stale and not scope.trouble else "")


def _judge(session: SweepInvocation, audience: str, tally: SweptAudience) -> None:
    """Decide whether anybody may leave an audience."""
    percent = session.request.max_leavers_percent
    if tally.trouble:
        tally.stay("not_swept", tally.suspects)
    elif session.scopes[audience].is_guarded and is_guarded(tally, percent):
        tally.trouble = (
            f"the guard stopped its sweep: {tally.suspects} of its {tally.members} members are missing in "
            f"Lytics' scan, more than {percent} %. Nobody was taken out of its segment. Check the audience "
            'in Lytics. If it is right, start a resync with a higher "max_leavers_percent"'
        )
        tally.stay("guard", tally.suspects)
        session.state.suspects.drop(audience)
