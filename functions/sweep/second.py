"""Verify suspects by a second scan: people whom neither scan has seen leave, if a sample of them has left."""

from array import array

from functions.sweep.classify import Standing, standing
from functions.sweep.decide import Reservoir, everybody_leaves, leavers_by_look_up
from functions.sweep.scope import SECOND, scan_trouble
from functions.sweep.session import SweepInvocation, go_on
from functions.sweep.state import Step
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.seen import is_seen, seen_hash
from lytics_sendgrid.domain.walking import first_position
from lytics_sendgrid.workflow.sweep_progress import AudienceToScan, SweepProgress

AUDIENCES_A_WALK = 5
"""Audiences whose samples are kept at the same time."""


def ask_for_scans(session: SweepInvocation) -> SweepProgress | None:
    """Ask for second scans once; then decide what needs no further walk."""
    state = session.state
    undecided = session.undecided()
    if undecided and not state.asked:
        state.asked = True
        wanted = tuple(AudienceToScan(id=audience) for audience in undecided)
        return SweepProgress(done=False, second_scan=wanted, doing="has audiences scanned a second time")
    for audience in undecided:
        if _decides(session, audience) and audience not in state.suspects.dropped:
            tally, seen = session.tally(audience), _seen_again(session, audience)
            left = [e for e in state.suspects.of(audience) if not is_seen(seen, _hash(session, e))]
            state.leavers[audience] = left
            tally.candidates = len(left)
            tally.stay("seen_again", tally.suspects - len(left))
    state.position = first_position()
    state.step = Step.SECOND_WALK
    return None


def walk_again(session: SweepInvocation) -> SweepProgress | None:
    """Find the people whom neither scan has seen, in the audiences with too many suspects to be kept."""
    state, run = session.state, session.request.run
    walked = [audience for audience in session.undecided() if audience in state.samples]
    if not walked:
        # Also an audience whose change was taken back during the run: it begins here.
        walked = [audience for audience in session.undecided() if _decides(session, audience)]
        walked = walked[:AUDIENCES_A_WALK]
        state.position = first_position()
    if not walked:
        state.step = Step.QUEUE
        return None
    views = {audience: (session.views[audience], _seen_again(session, audience)) for audience in walked}
    tallies = {audience: session.tally(audience) for audience in walked}
    samples = {
        audience: Reservoir(state.samples.get(audience, ()), tally.candidates)
        for audience, tally in tallies.items()
    }
    chance = session.tools.clock.random

    def visit(email: str, contact: Contact) -> None:
        for audience, (view, again) in views.items():
            event_ns = contact.memberships.get(audience)
            if event_ns is None:
                continue
            person = seen_hash(run, email)
            if standing(event_ns, view, person) is Standing.SUSPECT and not is_seen(again, person):
                tallies[audience].candidates += 1
                samples[audience].offer(email, chance())

    done = session.walk(visit)
    state.samples = {audience: reservoir.kept for audience, reservoir in samples.items()}
    if not done:
        return go_on("compares contacts with the second scans")
    for tally in tallies.values():
        tally.stay("seen_again", max(0, tally.suspects - tally.candidates))
    state.position = first_position()
    state.step = Step.SAMPLE
    return None


def sample(session: SweepInvocation) -> SweepProgress | None:
    """Look up the samples, where look-ups are believed, and decide their audiences."""
    state = session.state
    for audience, emails in state.samples.items():
        if not (state.believed and session.can_ask(audience)):
            state.by_walk.add(audience)
            continue
        for email in emails:
            if audience in state.answers.get(email, {}):
                continue
            if not session.has_time():
                return go_on("looks up some people that two scans have not seen")
            state.answers[email] = state.answers.get(email, {}) | session.ask(email, [audience])
        answers = {email: state.answers[email][audience] for email in emails}
        if everybody_leaves(answers):
            state.by_walk.add(audience)
        else:
            tally = session.tally(audience)
            state.leavers[audience] = leavers_by_look_up(answers)
            tally.stay("sample", tally.candidates - len(state.leavers[audience]))
    state.samples, state.answers = {}, {}
    state.step = Step.SECOND_WALK
    return None


def _decides(session: SweepInvocation, audience: str) -> bool:
    """Return whether an audience's second scan shows who has left. If it does not, nobody leaves."""
    trouble = _second_trouble(session, audience)
    if trouble:
        tally = session.tally(audience)
        tally.trouble = f"its second scan decides nothing: {trouble}"
        tally.stay("second_scan", tally.suspects)
        session.state.suspects.drop(audience)
    return not trouble


def _second_trouble(session: SweepInvocation, audience: str) -> str:
    scan = session.second_scans.get(audience)
    trouble = scan_trouble(scan, session.sizes.get(audience))
    if trouble or scan is None:
        return trouble
    if scan.parts:
        return "it was read in parts, and a scan in parts is not enough to remove anyone"
    first = session.scopes[audience].scan
    if first is None or frozenset(first.email_fields) != frozenset(scan.email_fields):
        return "the exports of the audience, or their e-mail fields, were changed between the two scans"
    return ""


def _seen_again(session: SweepInvocation, audience: str) -> "array[int]":
    return session.seen(session.second_scans[audience], audience, SECOND)


def _hash(session: SweepInvocation, email: str) -> int:
    return seen_hash(session.request.run, email)
