"""The nightly resyncs: the run of each export and night has a name, and a name starts once."""

from datetime import UTC, date, datetime


def night_at(now_s: float) -> date:
    """Return the night to which a time belongs: its day in UTC."""
    return datetime.fromtimestamp(now_s, UTC).date()


def resync_name(export: str, night: date) -> str:
    """Return the name of an export's run of a night.

    Step Functions allows 80 characters. An export's name has at most 64.
    """
    return f"resync-{export}-{night:%Y%m%d}"
