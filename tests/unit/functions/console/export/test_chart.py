"""Charts: where lines, bars and ticks go."""

import pytest

from functions.console.export.chart import HEIGHT, WIDTH, Chart, bar_chart, line_chart

DAYS = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]


def drawn(chart: Chart | None) -> Chart:
    assert chart is not None
    return chart


def test_line_goes_from_the_left_to_the_right_edge() -> None:
    chart = drawn(line_chart(DAYS, {"Lytics": [0, 20, 40, 40]}))
    (line,) = chart.lines
    points = [tuple(map(float, point.split(","))) for point in line.pieces[0].split()]
    assert (points[0][0], points[-1][0]) == (chart.left, chart.right)
    assert points[0][1] > points[1][1] > points[2][1] == points[3][1]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert (chart.first, chart.last, chart.labels) == ("2026-11-01", "2026-11-04", ("Lytics",))


def test_gap_parts_a_line_and_a_lonely_day_is_a_dot() -> None:
    chart = drawn(line_chart(DAYS, {"a": [1, 2, None, 4], "b": [None, None, None, None]}))
    first, second = chart.lines
    assert (len(first.pieces), len(first.dots)) == (1, 1)
    assert (second.pieces, second.dots) == ((), ())
    assert first.dashes != second.dashes


def test_one_day_is_a_dot_at_the_left() -> None:
    (line,) = drawn(line_chart(DAYS[:1], {"a": [5]})).lines
    assert (line.pieces, line.dots[0][0]) == ((), 70)


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (21, 40), (99, 200), (1_234_567, 2_000_000)]
)
def test_ticks_are_whole_numbers_that_reach_the_largest_value(largest: int, top: int) -> None:
    ticks = drawn(line_chart(DAYS[:1], {"a": [largest]})).ticks
    assert [tick.value for tick in ticks] == [0, top // 4, top // 2, top * 3 // 4, top]
    assert ticks[0].y > ticks[-1].y


def test_nothing_to_show_is_no_chart() -> None:
    assert line_chart(DAYS, {"a": [None] * 4}) is None
    assert line_chart(DAYS, {}) is None
    assert bar_chart(DAYS, {"a": [0] * 4, "b": [0] * 4}) is None


def test_parts_of_a_bar_stand_on_each_other() -> None:
    chart = drawn(bar_chart(DAYS, {"Accepted": [3, 0, 4, 0], "Rejected": [1, 0, 0, 4]}))
    below, above, alone, rejected = chart.bars
    assert (below.number, above.number, alone.number, rejected.number) == (1, 2, 1, 2)
    assert above.y + above.height == pytest.approx(below.y, abs=0.11)
    assert below.x == above.x < alone.x < rejected.x
    assert below.y + below.height == pytest.approx(alone.y + alone.height, abs=0.11)
    assert rejected.x + rejected.width <= chart.right
    assert chart.below < HEIGHT


def test_smallest_part_can_be_seen() -> None:
    chart = drawn(bar_chart(DAYS[:2], {"a": [1_000_000, 1]}))
    assert chart.bars[1].height == 0.5
