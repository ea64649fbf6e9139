"""What is known of each export at a glance: one part for each function that finds something out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lytics_sendgrid.domain.configuration import Export
    from lytics_sendgrid.workflow.run_record import RunRecord  # with pydantic, which `ingest` does not load

_MAX_NAMES: Final = 20
_MAX_NAME_CHARS: Final = 200


class SummaryPart(StrEnum):
    """A part of an export's summary, by the attribute that holds it."""

    CONFIGURED = "as_configured"
    ACTIVATED = "as_activated"
    RUN = "last_run"
    COUNTED = "as_counted"
    WATCHED = "as_watched"


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of an export.

    Attributes:
        name: the export's.
        parts: what has been written so far. An export of an older release has none.
        stop: why its changes wait, as ``Stop``'s fields; None: they do not.
        heard_ms: when the last event known of it was queued, milliseconds since 1970; None: none was.
    """

    name: str
    parts: Mapping[SummaryPart, Mapping[str, Any]]
    stop: Mapping[str, Any] | None
    heard_ms: int | None


def configured(export: Export) -> dict[str, Any]:
    """Return what the configuration of an export says at a glance. Names of many audiences are left out."""
    return {
        "audiences": [audience.name[:_MAX_NAME_CHARS] for audience in export.audiences[:_MAX_NAMES]],
        "audiences_count": len(export.audiences),
        "authorization": export.authorization,
        "stopped_s": export.stopped_s,
    }


def last_run(record: RunRecord) -> dict[str, Any]:
    """Return what a run's record says at a glance: sums instead of its audiences.

    ``lytics`` and ``sendgrid`` are how many people both count in all audiences; None: unknown.
    """
    return {name: value for name, value in record.document().items() if name != "audiences"} | {
        "lytics": _sum(audience.lytics for audience in record.audiences),
        "sendgrid": _sum(audience.sendgrid for audience in record.audiences),
    }


def counted(record: RunRecord) -> dict[str, Any] | None:
    """Return the sums of a run's report, which stay while the next run goes on; None: it counted nobody."""
    if record.finished_at is None:
        return None
    sums = {name: value for name, value in last_run(record).items() if name in {"lytics", "sendgrid"}}
    return sums if any(value is not None for value in sums.values()) else None


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
