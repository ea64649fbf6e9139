"""How far the audit of a run is, as ``audit`` returns it to the state machine."""

from lytics_sendgrid.workflow.state_part import StatePart


class AuditProgress(StatePart):
    """How far the audit of a run is.

    Attributes:
        done: nothing is left to do. Otherwise call again.
        wait_s: seconds to wait before the next call; 0: call at once.
        doing: what the audit is at, for a person.
    """

    done: bool
    wait_s: int = 0
    doing: str = ""
