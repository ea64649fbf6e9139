"""Charts as SVG: where each line and bar goes. The page has a table with the same numbers beside each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 180
_LEFT: Final = 70
_RIGHT: Final = 10
_TOP: Final = 10
_BOTTOM: Final = 24
_TICKS: Final = 4
_GAP: Final = 0.3
"""The share of a bar's place that stays empty."""
_DASHES: Final = ("", "7 4", "2 4")
"""Lines differ by their dashes, not only by their colour."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart with its number."""

    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line.

    Attributes:
        label: what it shows.
        number: counted from 1.
        dashes: of ``stroke-dasharray``; empty: a whole line.
        pieces: points of each piece without a gap, as ``points`` of a polyline.
        dots: x and y of points without a neighbour, which a polyline does not show.
    """

    label: str
    number: int
    dashes: str
    pieces: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar: its place, and the number of its series, counted from 1."""

    x: float
    y: float
    width: float
    height: float
    number: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        ticks: from below.
        first: the first day.
        last: the last day.
        labels: of the series, in their order.
        lines: of a line chart.
        bars: of a bar chart.
    """

    ticks: tuple[Tick, ...]
    first: str
    last: str
    labels: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()

    @property
    def left(self) -> int:
        """Where the chart begins: numbers stand before it."""
        return _LEFT

    @property
    def right(self) -> int:
        """Where the chart ends."""
        return WIDTH - _RIGHT

    @property
    def below(self) -> int:
        """Where the days stand."""
        return HEIGHT - 6


def line_chart(days: Sequence[str], series: Mapping[str, Sequence[int | None]]) -> Chart | None:
    """Return a chart with a line for each series.

    Args:
        days: such as ``2026-11-26``, in order.
        series: label to a value for each day; None leaves a gap.

    Returns:
        None: there is nothing to show.
    """
    values = [value for line in series.values() for value in line if value is not None]
    if not values:
        return None
    top = _top(max(values))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(days) - 1)
    lines = []
    for number, (label, line) in enumerate(series.items(), 1):
        pieces: list[list[tuple[float, float]]] = [[]]
        for day, value in enumerate(line):
            if value is not None:
                pieces[-1].append((round(_LEFT + day * step, 1), _y(value, top)))
            elif pieces[-1]:
                pieces.append([])
        lines.append(
            Line(
                label,
                number,
                _DASHES[(number - 1) % len(_DASHES)],
                tuple(" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1),
                tuple(piece[0] for piece in pieces if len(piece) == 1),
            )
        )
    return Chart(_ticks(top), days[0], days[-1], tuple(series), lines=tuple(lines))


def bar_chart(days: Sequence[str], series: Mapping[str, Sequence[int]]) -> Chart | None:
    """Return a chart with a bar for each day, whose parts are the series, the first below.

    Args:
        days: such as ``2026-11-26``, in order.
        series: label to a number for each day, not negative.

    Returns:
        None: there is nothing to show.
    """
    sums = [sum(numbers) for numbers in zip(*series.values(), strict=True)]
    if not any(sums):
        return None
    top = _top(max(sums))
    place = (WIDTH - _LEFT - _RIGHT) / len(days)
    bars = []
    for day, numbers in enumerate(zip(*series.values(), strict=True)):
        below = 0
        for number, value in enumerate(numbers, 1):
            if value:
                y = _y(below + value, top)
                height = round(_y(below, top) - y, 1)
                x = round(_LEFT + (day + _GAP / 2) * place, 1)
                bars.append(Bar(x, y, round(place * (1 - _GAP), 1), max(0.5, height), number))
                below += value
    return Chart(_ticks(top), days[0], days[-1], tuple(series), bars=tuple(bars))


def _y(value: int, top: int) -> float:
    return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value / top), 1)


def _top(largest: int) -> int:
    """Return the number at the chart's upper end: the ticks below it are whole and easy to read."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            top = _TICKS * factor * unit
            if top >= largest:
                return top
        unit *= 10


def _ticks(top: int) -> tuple[Tick, ...]:
    values = range(0, top + 1, top // _TICKS)
    return tuple(Tick(_y(value, top), value) for value in values)
