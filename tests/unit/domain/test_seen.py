"""Hashes of the people that a scan returned."""

import random
from array import array

from lytics_sendgrid.domain.seen import in_order, is_seen, seen_hash

EMAIL = "beth@example.com"


def test_hash_has_eight_bytes_and_is_keyed_with_the_run() -> None:
    assert 0 <= seen_hash("run-1", EMAIL) < 2**64
    assert seen_hash("run-1", EMAIL) == seen_hash("run-1", EMAIL)
    assert seen_hash("run-1", EMAIL) != seen_hash("run-2", EMAIL)
    assert seen_hash("run-1", EMAIL) != seen_hash("run-1", "bea@example.com")
    long = "r" * 79
    assert seen_hash(long + "1", EMAIL) != seen_hash(long + "2", EMAIL)


def test_half_a_surrogate_pair_has_a_hash() -> None:
    assert seen_hash("run-1", "\ud800@example.com") != seen_hash("run-1", "?@example.com")


def test_hashes_are_in_order_and_found() -> None:
    dice = random.Random(1)
    hashes = [dice.getrandbits(64) for _ in range(1_000)] + [0, 2**64 - 1, 7, 7]
    ordered = in_order(hashes)
    assert ordered == array("Q", sorted(hashes))
    assert all(is_seen(ordered, one) for one in hashes)
    assert not any(is_seen(ordered, one) for one in (1, 8, 2**64 - 2))
    assert not is_seen(in_order(()), 0)
