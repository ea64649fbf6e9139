"""The sweep of a run: from the scans to the exits of leavers and the enters of returners.

It walks the ledger once and finds suspects and returners, verifies them by look-ups or by a second scan, and
queues what follows. Each invocation goes on from the checkpoint of the last one. Nobody is taken out of an
audience because an answer was missing.
"""

from functions.sweep.find import walk_first
from functions.sweep.queue_all import queue_all
from functions.sweep.scope import SweepRequest
from functions.sweep.second import ask_for_scans, sample, walk_again
from functions.sweep.session import SweepInvocation, SweepTools
from functions.sweep.state import Step
from functions.sweep.verify import look_up
from lytics_sendgrid.workflow.sweep_progress import SweepProgress

_STEPS = {
    Step.WALK: walk_first,
    Step.LOOK_UP: look_up,
    Step.SECOND_SCAN: ask_for_scans,
    Step.SECOND_WALK: walk_again,
    Step.SAMPLE: sample,
    Step.QUEUE: queue_all,
}
"""What each step does. It returns None once it is done and the next step is set, or what to do before the
next invocation."""


def sweep(request: SweepRequest, tools: SweepTools) -> SweepProgress:
    """Continue a sweep until it is done, must wait, or the time is nearly up.

    Raises:
        StopRun: hashes of people that a scan returned are missing.
        RetryLater: a table, the queue or Lytics failed; the next call goes on from the checkpoint.
    """
    session = SweepInvocation(request, tools)
    state = session.state
    while state.step is not Step.DONE:
        pause = _STEPS[state.step](session)
        if pause is not None:
            session.keep()
            return pause
    state.forget_people()
    session.keep()
    return SweepProgress(done=True, doing=f"{state.contacts:,} contacts compared")
