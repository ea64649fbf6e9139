"""What stopping an export did in Lytics, as ``deactivate`` returns it to the state machine."""

from typing import Literal

from lytics_sendgrid.workflow.state_part import StatePart


class Deactivation(StatePart):
    """What stopping an export did.

    Attributes:
        job: the export's webhook job in Lytics was ``paused`` or ``deleted``; ``left``: it still runs, and
            the notes say why; ``none``: there is none.
        job_id: of that job.
        notes: for a person. Only there if there are any.
    """

    job: Literal["paused", "deleted", "left", "none"]
    job_id: str | None
    notes: tuple[str, ...] = ()
