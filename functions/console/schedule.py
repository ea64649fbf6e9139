"""When exports are resynced: a schedule of the whole stack, as EventBridge writes it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

NEVER: Final = "none"
"""Stands for an empty schedule: no export is resynced by a schedule."""

_DAILY: Final = re.compile(r"cron\((\d{1,2}) (\d{1,2}) (?:\* \* \?|\? \* \*) \*\)", re.ASCII)


def next_resync(schedule: str, now_s: float) -> int | None:
    """Return when the schedule starts resyncs next, Unix seconds; None: never, or it is not a daily one."""
    match = _DAILY.fullmatch(schedule)
    if match is None:
        return None
    minute, hour = int(match[1]), int(match[2])
    now = datetime.fromtimestamp(now_s, UTC)
    if minute > 59 or hour > 23:
        return None
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return int((moment if moment > now else moment + timedelta(days=1)).timestamp())
