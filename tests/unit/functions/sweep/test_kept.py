"""People are kept until they are decided; the largest audience gives way."""

from functions.sweep.kept import MAX_BYTES, MAX_PEOPLE, Kept


def fill(kept: Kept, audience: str, people: int, start: int = 0) -> None:
    for number in range(start, start + people):
        kept.add(audience, f"p{number:04d}@example.org", number + 1)


def test_thousand_people_are_kept() -> None:
    kept = Kept()
    fill(kept, "a", MAX_PEOPLE)
    assert len(kept.emails) == MAX_PEOPLE
    assert kept.dropped == set()


def test_largest_audience_is_dropped_and_the_others_stay() -> None:
    kept = Kept()
    fill(kept, "small", 3)
    fill(kept, "large", MAX_PEOPLE, start=1)
    assert (kept.dropped, len(kept.of("small")), kept.of("large")) == ({"large"}, 3, {})
    fill(kept, "large", 5)
    assert kept.emails == ["p0000@example.org", "p0001@example.org", "p0002@example.org"]


def test_person_in_two_audiences_counts_once() -> None:
    kept = Kept()
    fill(kept, "a", MAX_PEOPLE // 2)
    fill(kept, "b", MAX_PEOPLE // 2)
    assert kept.audiences_of("p0007@example.org") == ["a", "b"]
    kept.drop("a")
    assert kept.audiences_of("p0007@example.org") == ["b"]


def test_person_who_is_met_twice_is_kept_once() -> None:
    kept = Kept()
    kept.add("a", "ann@example.org", 1)
    kept.add("a", "ann@example.org", 2)
    assert kept.document() == {"people": {"a": {"ann@example.org": 2}}, "dropped": []}


def test_long_addresses_never_exceed_the_item() -> None:
    kept = Kept()
    for number in range(MAX_PEOPLE):
        kept.add(f"{number % 2}", f"{'ü' * 230}{number:04d}@example.org", -1)
    assert sum(len(email.encode()) for email in kept.emails) <= MAX_BYTES
    assert kept.dropped


def test_bytes_are_counted_to_the_last_one() -> None:
    kept = Kept()
    # An address and 26 bytes for its time: 150 of 500 bytes each are as many as one item holds.
    for number in range(150):
        kept.add(f"{number % 2}", f"{'x' * 470}{number:04d}", 1)
    assert kept.dropped == set()
    kept.drop("0")
    kept.add("1", "y", 1)
    assert kept.dropped == {"0"}
    for number in range(75):
        kept.add("2", f"{'z' * 470}{number:04d}", 1)
    assert kept.dropped == {"0", "1"}


def test_people_are_listed_in_order() -> None:
    kept = Kept()
    for email in ("cat@example.org", "ann@example.org", "bob@example.org"):
        kept.add("a", email, 1)
    assert kept.emails == ["ann@example.org", "bob@example.org", "cat@example.org"]


def test_kept_people_survive_the_checkpoint() -> None:
    kept = Kept()
    fill(kept, "a", 3)
    kept.drop("b")
    assert Kept.read(kept.document()).document() == kept.document()
