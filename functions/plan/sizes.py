"""Refuse a run whose state or report could exceed what Step Functions carries from task to task."""

from collections.abc import Mapping
from typing import Final

from lytics_sendgrid.sendgrid.resources import segment_name
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.limits import (
    MAX_STATE_BYTES,
    PASTED_NAMES_CHARS,
    PROVISION_NOTES_CHARS,
    REPORT_NOTES_CHARS,
    STOP_REASON_CHARS,
    json_bytes,
)

_TASKS_BYTES: Final = 7_000
"""What all tasks return, without what depends on audiences and fields."""
_SECOND_SCAN_BYTES: Final = 50
"""One audience of those that ``sweep`` has scanned a second time."""
_REPORT_BYTES: Final = 2_000
"""The report's head, sums and times."""
_AUDIENCE_REPORT_BYTES: Final = 700
"""One audience in the report, without names."""
_PASTED_AUDIENCE_BYTES: Final = 60
_PASTES: Final = 2
"""The Lytics fields are listed twice in what a person enters in Lytics."""


def size_faults(run: ExportRun) -> list[str]:
    """Return a fault if the state or the report of a run could become too large.

    Args:
        run: the state, as planned.
    """
    names = {audience.id: audience.name for audience in run.audiences}
    audience_bytes = sum(map(json_bytes, names.values()))
    field_bytes = json_bytes([field.lytics for field in run.config.mapping])
    created_bytes = json_bytes(run.plan.create.custom_fields)
    tasks_bytes = (
        _TASKS_BYTES
        + PASTED_NAMES_CHARS
        + PROVISION_NOTES_CHARS
        + STOP_REASON_CHARS
        + created_bytes
        + _PASTES * field_bytes
        + len(names) * _PASTED_AUDIENCE_BYTES
        + (len(names) + len(run.swept_only)) * _SECOND_SCAN_BYTES
    )
    state_bytes = json_bytes(run.document()) + tasks_bytes
    report_bytes = (
        _REPORT_BYTES
        + REPORT_NOTES_CHARS
        + tasks_bytes
        + len(names) * _AUDIENCE_REPORT_BYTES
        + audience_bytes
        + _other_names_bytes(run, names)
    )
    needed = max(state_bytes, report_bytes)
    if needed <= MAX_STATE_BYTES:
        return []
    fault = (
        f"the export is too large: its state could take {needed} bytes, but Step Functions carries at most "
        f"{MAX_STATE_BYTES} from task to task. The names of its {len(names)} audiences take {audience_bytes} "
        f"bytes, and those of its {len(run.config.mapping)} mapped fields in Lytics {field_bytes}. Export "
        "fewer audiences or fields, split the audiences over several exports of the same account (another "
        '"export" for each), or give them shorter names in Lytics'
    )
    return [fault]


def _other_names_bytes(run: ExportRun, names: Mapping[str, str]) -> int:
    """Return the size of the segments' names that differ from their audiences'."""
    own_names = set(names.values())
    segments = (
        segment.name or segment_name(segment.audience, names[segment.audience])
        for segment in run.config.segments
    )
    return sum(json_bytes(name) for name in segments if name not in own_names)
