"""How pages write numbers, times, durations and notes: the filters of the templates."""

import re
from datetime import UTC, date, datetime
from typing import Final

from markupsafe import Markup, escape

_WORDS: Final = {
    "a backfill": "a copy of everybody",
    "backfill": "copy",
    "ledger": "list of what was sent",
}
"""What the reports say for people who operate, and what the page says instead."""
_PLAIN: Final = re.compile("|".join(rf"\b{word}\b" for word in _WORDS))
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400


def number(value: float) -> str:
    """Return a number with its thousands grouped: ``12,345``. Decimals stay as they are."""
    return f"{value:,}"


def time(moment: float | str, shown: str = "") -> Markup:
    """Return ``<time>``: the browser shows it in the reader's zone, without scripts it is in UTC.

    Args:
        moment: Unix seconds, or ISO 8601 with an offset.
        shown: ``ago`` for "5 minutes ago", ``clock`` for the time of day; otherwise day and minute.
    """
    at = _moment(moment)
    attribute = Markup(' data-as="{}"').format(shown) if shown else ""
    text = f"{at:%H:%M} UTC" if shown == "clock" else f"{at.day} {at:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}"{}>{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", attribute, text)


def day(value: date | str) -> Markup:
    """Return ``<time>`` with a day, such as a night's: it is the same in every zone."""
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), f"{on.day} {on:%b %Y}")


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: ``1 h 5 min``, ``2 days 3 h``, ``40 s``."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return _two(whole // _MINUTE_S, "min", whole % _MINUTE_S, "s")
    if whole < _DAY_S:
        return _two(whole // _HOUR_S, "h", whole % _HOUR_S // _MINUTE_S, "min")
    days = whole // _DAY_S
    return _two(days, "day" if days == 1 else "days", whole % _DAY_S // _HOUR_S, "h")


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: ``1 person``, ``12,345 people``."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def bdi(text: object) -> Markup:
    """Return a name that somebody else chose: its writing direction stays its own."""
    return Markup("<bdi>{}</bdi>").format(escape(text))


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def _moment(moment: float | str) -> datetime:
    if isinstance(moment, str):
        return datetime.fromisoformat(moment).astimezone(UTC)
    return datetime.fromtimestamp(moment, UTC)


def sentence(note: str) -> str:
    """Return what a function says in a marketer's words, with a capital and a full stop."""
    plain = _PLAIN.sub(lambda found: _WORDS[found[0]], note)
    return f"{plain[:1].upper()}{plain[1:]}{'' if plain.endswith(('.', '!', '?')) else '.'}"
