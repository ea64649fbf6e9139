"""The people that a scan has seen: hashes of addresses, small enough to keep for a million people."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

HASH_BYTES: Final = 8
_BUCKETS: Final = 256
_BUCKET_SHIFT: Final = 8 * (HASH_BYTES - 1)


def seen_hash(run: str, email: str) -> int:
    """Return the hash of an address in a run.

    Two people whose hashes are equal are told apart in the next run, because the run is the hash's key.

    Args:
        run: the execution's name.
        email: as the ledger writes it.
    """
    data = email.encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=HASH_BYTES, key=_key(run)).digest())


@lru_cache(maxsize=8)
def _key(run: str) -> bytes:
    return hashlib.blake2b(run.encode(), digest_size=hashlib.blake2b.MAX_KEY_SIZE).digest()


def in_order(hashes: Iterable[int]) -> "array[int]":
    """Return hashes in ascending order. The numbers of one bucket after another exist as Python objects."""
    buckets = [array("Q") for _ in range(_BUCKETS)]
    for one in hashes:
        buckets[one >> _BUCKET_SHIFT].append(one)
    ordered = array("Q")
    for bucket in buckets:
        ordered.extend(sorted(bucket))
    return ordered


def is_seen(ordered: "array[int]", one: int) -> bool:
    """Return whether a hash is among those that ``in_order`` returned."""
    place = bisect_left(ordered, one)
    return place < len(ordered) and ordered[place] == one
