"""How far the sweep of a run is, as ``sweep`` returns it to the state machine."""

from lytics_sendgrid.workflow.state_part import StatePart


class AudienceToScan(StatePart):
    """An audience to scan. Its name would take room that the state does not have for 200 of them."""

    id: str


class SweepProgress(StatePart):
    """How far the sweep of a run is.

    Attributes:
        done: nothing is left to do. Otherwise call again.
        wait_s: seconds to wait before the next call; 0: call at once.
        second_scan: the audiences to scan a second time before the next call. Empty: none.
        doing: what the sweep is at, for a person.
    """

    done: bool
    wait_s: int = 0
    second_scan: tuple[AudienceToScan, ...] = ()
    doing: str = ""
