"""Keyed hashes of erased addresses."""

from lytics_sendgrid.domain.erasure import NO_HOLDS, Hold, Holds, erasure_hash, latest, packed, unpacked

KEY = b"k" * 32
ANN = "ann@example.org"


def holds(*times: tuple[int, int]) -> Holds:
    found = [(erasure_hash(KEY, ANN), Hold(at_s, until_s, was_known=True)) for at_s, until_s in times]
    return Holds(1, KEY, latest(found))


def test_hash_depends_on_the_key_and_the_address() -> None:
    assert erasure_hash(KEY, ANN) == erasure_hash(KEY, ANN)
    assert len({erasure_hash(KEY, ANN), erasure_hash(b"other", ANN), erasure_hash(KEY, "bob")}) == 3


def test_hashes_are_read_as_they_were_packed() -> None:
    hashes = [erasure_hash(KEY, f"p{n}@example.org") for n in range(5)]
    assert list(unpacked(packed(hashes))) == hashes
    assert len(packed(hashes)) == 8 * len(hashes)


def test_hold_is_found_by_its_address_alone() -> None:
    assert holds((5, 9)).of(ANN) == Hold(5, 9, was_known=True)
    assert holds((5, 9)).of("bob@example.org") is None
    assert NO_HOLDS.of(ANN) is None
    assert Hold(5, 9, was_known=True).at_ns == 5_000_000_000


def test_latest_erasure_of_an_address_counts() -> None:
    assert holds((5, 9), (7, 11)) == holds((7, 11), (5, 9))
    assert holds((5, 9), (7, 11)).of(ANN) == Hold(7, 11, was_known=True)


def test_hold_expires() -> None:
    assert not holds((5, 9)).expires_before(8.9)
    assert holds((5, 9)).expires_before(9)
    assert not NO_HOLDS.expires_before(9)
