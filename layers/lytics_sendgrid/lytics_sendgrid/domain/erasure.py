"""Erased people: keyed hashes of their addresses, which keep old events and scans from bringing them back."""

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S

HASH_BYTES: Final = 8
"""Two of 30,000 erased people and 10 million contacts have the same hash with a probability of 2e-8."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An erased address is kept out.

    Attributes:
        at_s: when the person was erased, Unix seconds: an event that is not later is ignored.
        until_s: when the hash is forgotten, Unix seconds.
        was_known: the ledger or SendGrid had the address.
    """

    at_s: int
    until_s: int
    was_known: bool

    @property
    def at_ns(self) -> int:
        """When the person was erased, nanoseconds since 1970."""
        return self.at_s * NANOSECONDS_PER_S


@dataclass(frozen=True, slots=True)
class Holds:
    """All holds of an account.

    Attributes:
        revision: raised by one with every erasure; 0: there was none yet.
        key: of the hashes.
        by_hash: the latest hold of each hash.
    """

    revision: int = 0
    key: bytes = b""
    by_hash: Mapping[int, Hold] = field(default_factory=dict)

    def of(self, email: str) -> Hold | None:
        """Return the hold of an address, as the ledger writes it, or None."""
        return self.by_hash.get(erasure_hash(self.key, email)) if self.by_hash else None

    def expires_before(self, now_s: float) -> bool:
        """Return whether a hold is to be forgotten."""
        return any(hold.until_s <= now_s for hold in self.by_hash.values())


NO_HOLDS: Final = Holds()


def erasure_hash(key: bytes, email: str) -> int:
    """Return the keyed hash of an address, as the ledger writes it."""
    data = email.encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=HASH_BYTES, key=key).digest())


def packed(hashes: Iterable[int]) -> bytes:
    """Return hashes as bytes, 8 each."""
    return array("Q", hashes).tobytes()


def unpacked(data: bytes) -> Iterable[int]:
    """Read what ``packed`` returned."""
    return array("Q", data)


def latest(holds: Iterable[tuple[int, Hold]]) -> dict[int, Hold]:
    """Return the latest hold of each hash."""
    by_hash: dict[int, Hold] = {}
    for one, hold in holds:
        known = by_hash.get(one)
        if known is None or hold.at_s >= known.at_s:
            by_hash[one] = hold
    return by_hash
