"""The requests that a run may have open at Lytics are shared out, and never exceeded."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.plan.scan_orders import Scanned, pages_in_a_row, scan_orders


@pytest.mark.parametrize(
    ("sizes", "parallelism", "requests", "at_once"),
    [
        ([5_000], 1, [1], 1),
        ([5_000], 4, [4], 1),
        ([5_000], 20, [20], 1),
        ([5_000, 5_000], 4, [2, 2], 2),
        ([9_000, 1_000], 4, [3, 1], 2),
        ([9_000, 5_000, 4_000], 4, [2, 1, 1], 3),
        ([100_000, 60_000] + [10] * 98, 16, [6, 3] + [1] * 98, 9),
        ([0, 0], 4, [3, 1], 2),
        ([], 4, [], 1),
    ],
)
def test_requests_go_to_the_largest_audiences(
    sizes: list[int], parallelism: int, requests: list[int], at_once: int
) -> None:
    scanned = [Scanned(str(number), size) for number, size in enumerate(sizes)]
    shared = scan_orders(scanned, parallelism)
    assert shared["scans_at_once"] == at_once
    assert [order.requests for order in shared["scans"]] == requests


def test_largest_audience_is_scanned_first_and_the_state_stays_small() -> None:
    scanned = [Scanned("small", 1), Scanned("others", 5, queues=False), Scanned("large", 9)]
    assert [order.document() for order in scan_orders(scanned, 4)["scans"]] == [
        {"id": "large", "requests": 2},
        {"id": "others", "queues": False},
        {"id": "small"},
    ]


@given(st.lists(st.integers(0, 10**7), max_size=200), st.integers(1, 20))
def test_requests_of_audiences_at_the_same_time_never_exceed_the_total(
    sizes: list[int], parallelism: int
) -> None:
    shared = scan_orders([Scanned("a", size) for size in sizes], parallelism)
    requests, at_once = sorted(order.requests for order in shared["scans"])[::-1], shared["scans_at_once"]
    assert sum(itertools.islice(requests, at_once)) <= parallelism
    assert not sizes or sum(itertools.islice(requests, at_once)) >= min(parallelism, at_once)


def test_pages_in_a_row_are_those_of_the_slowest() -> None:
    assert pages_in_a_row([40_000], 4) == 100
    assert pages_in_a_row([10_000, 100, 100, 100], 4) == 50
    assert pages_in_a_row([1_000] * 40, 4) == 100
    assert pages_in_a_row([], 4) == 0
