"""Verify suspects by look-ups, if look-ups find people that the scans have shown."""

from math import ceil

from functions.sweep.decide import calibration, leavers_by_look_up
from functions.sweep.kept import MAX_PEOPLE
from functions.sweep.session import SweepInvocation, go_on
from functions.sweep.state import Step
from lytics_sendgrid.workflow.sweep_progress import SweepProgress


def look_up(session: SweepInvocation) -> SweepProgress | None:
    """Look up everybody who is kept, and decide the audiences of which everybody is kept."""
    state = session.state
    concerned = {*session.undecided(), *(audience for audience, kept in state.young.people.items() if kept)}
    if not concerned:
        state.step = Step.QUEUE
        return None
    wait_s = _wait_s(session, concerned)
    if wait_s > 0:
        return SweepProgress(done=False, wait_s=wait_s, doing="waits before anybody is verified")
    if state.believed is None:
        state.doubt = _doubt(session, concerned)
        state.believed = not state.doubt
    if state.believed and not _ask_everybody(session, concerned):
        return go_on(f"{len(state.answers):,} people looked up in Lytics")
    if state.believed:
        _decide(session)
    state.step = Step.SECOND_SCAN
    return None


def _wait_s(session: SweepInvocation, concerned: set[str]) -> int:
    """Return how long to wait until the last of the audiences may be verified."""
    began = [scope.scan.began_s for name in concerned if (scope := session.scopes[name]).scan is not None]
    return ceil(max(began) + session.request.verify_delay_s - session.tools.clock.now())


def _doubt(session: SweepInvocation, concerned: set[str]) -> str:
    """Return why look-ups are not believed in this run, see ``SweepState.doubt``; empty if they are."""
    if not any(session.can_ask(audience) for audience in concerned):
        return "no_identity"
    # Also of an audience whose exports were changed meanwhile: whom its scan has shown, Lytics must find.
    samples = {
        audience: scan.sample
        for audience, scope in session.scopes.items()
        if (scan := scope.whole_scan) is not None and session.can_ask(audience)
    }
    asked = calibration(samples)
    if not asked:
        return "no_sample"
    # The first person that is not confirmed decides: Lytics may be down, and each answer takes a minute then.
    found = all(session.ask(email, [audience])[audience] is True for audience, email in asked)
    return "" if found else "not_found"


def _ask_everybody(session: SweepInvocation, concerned: set[str]) -> bool:
    """Look up suspects, then young returners, up to 1,000 people; return whether all are looked up."""
    state = session.state
    askable = {audience for audience in concerned if session.can_ask(audience)}
    for email in dict.fromkeys([*state.suspects.emails, *state.young.emails][:MAX_PEOPLE]):
        about = {*state.suspects.audiences_of(email), *state.young.audiences_of(email)} & askable
        if email in state.answers or not about:
            continue
        if not session.has_time():
            return False
        state.answers[email] = session.ask(email, sorted(about))
    return True


def _decide(session: SweepInvocation) -> None:
    state = session.state
    for audience in session.undecided():
        if audience in state.suspects.dropped or not session.can_ask(audience):
            continue
        answers = {email: state.answers.get(email, {}).get(audience) for email in state.suspects.of(audience)}
        tally = session.tally(audience)
        state.leavers[audience] = leavers_by_look_up(answers)
        tally.stay("member", sum(answer is True for answer in answers.values()))
        tally.stay("unclear", sum(answer is None for answer in answers.values()))
    for audience in state.young.people:
        shown = [email for email in state.young.of(audience) if state.answers.get(email, {}).get(audience)]
        state.confirmed[audience] = shown
        session.tally(audience).confirmed = len(shown)
    state.answers = {}
