"""How far the clearing of removed audiences is, as ``clear`` returns it to the state machine."""

from lytics_sendgrid.workflow.state_part import StatePart


class ClearProgress(StatePart):
    """How far the clearing of an account's removed audiences is.

    Attributes:
        done: everybody who is to be sent without the audiences is queued. Otherwise call again.
        wait_s: seconds to wait before the next call; 0: call at once.
        audiences: how many are cleared.
        contacts: how many contacts were queued.
        finish: call again when the run has settled.
    """

    done: bool
    wait_s: int = 0
    audiences: int = 0
    contacts: int = 0
    finish: bool = False


class Finished(StatePart):
    """What became of the segments of cleared audiences. The details are in the exports table.

    Attributes:
        cleared: how many audiences are in nobody's row any more.
        deleted: how many of their segments were deleted.
        left: how many segments were to be deleted, but were left.
    """

    cleared: int
    deleted: int
    left: int
