"""How an export stands, in words and with a sign."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.console.export.figures import RunRow
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.workflow.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """How an export stands.

    Attributes:
        kind: of the sign: ``good``, ``warn``, ``bad``, ``busy`` or ``off``.
        text: in few words.
        why: in a sentence; empty: nothing more is to be said.
    """

    kind: str
    text: str
    why: str = ""


def standing(
    export: Export, stop: Stop | None, records: Sequence[RunRecord], runs: Sequence[RunRow]
) -> Standing:
    """Return how an export stands.

    Args:
        export: its configuration.
        stop: why SendGrid's refusals have stopped it; None: they have not.
        records: its runs, the newest first.
        runs: the same for the page.
    """
    if runs and runs[0].mark == "now":
        return Standing("busy", "Running", f"{runs[0].what} is under way.")
    if export.stopped_s is not None:
        return Standing(
            "off", "Stopped", "Somebody stopped it. Lytics' events are dropped, and nobody is resynced."
        )
    if stop is not None:
        return Standing("bad", "Stopped by a fault", stop.reason)
    last = next((record for record in records if record.finished_at is not None), None)
    if last is None:
        return Standing("warn", "Not live", "No run of it has come to its end yet.")
    if not last.live:
        return Standing(
            "warn", "Not live", "Lytics does not send its events. The report of the last run says what to do."
        )
    return Standing("good", "Live")
