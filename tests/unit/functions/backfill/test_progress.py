"""Pages become changes and checkpoints; cursors that repeat, go stale or never come stop the scan."""

import dataclasses
import json
from collections.abc import Mapping

import pytest

from functions.backfill import progress
from functions.backfill.progress import (
    MAX_IDLE_INVOCATIONS,
    MAX_RESTARTS,
    SAMPLE,
    after_idle_invocation,
    begun,
    in_trouble,
    restarted,
    sampled,
    scanned_whole,
    stamped,
    with_chunk,
    with_messages,
)
from functions.backfill.rows import LAG_NS, PageContents, Reading, contents_of, page_time_ns
from functions.backfill.state import ScanProgress
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.checkpoint import (
    Checkpoint,
    ScanPart,
    checkpoint_document,
    checkpoint_from,
    is_far_fewer,
    message_number,
)
from lytics_sendgrid.domain.configuration import Audience, Export, FieldKind, MappedField
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS
from lytics_sendgrid.errors import ScanStuck
from lytics_sendgrid.lytics.documents import ScanPage

AUDIENCE = "5cecf2aa79b0a5641920e0607b95c793"
EXPORT = Export(
    name="newsletter",
    authorization="default",
    account="main",
    version=3,
    email_field="email",
    fields=(
        MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
        MappedField("visits", "e1_N", "visits", FieldKind.NUMBER, 0),
        MappedField("visits", "e2_T", "visits_text", FieldKind.TEXT, 1000),
        MappedField("is_vip", "e3_T", "is_vip", FieldKind.TEXT, 1000),
    ),
    audiences=(Audience(AUDIENCE, "High Value Users", "high_value_users"),),
)
ENTER_NS = 1_790_000_000_000_000_000
PAGE_NS = ENTER_NS + 5_000_000_000
NOTHING = PageContents()
READING = Reading(AUDIENCE, ("email",), ENTER_NS, EXPORT)


def advanced(at: Checkpoint, read: ScanPage, contents: PageContents, answered_ns: int) -> Checkpoint:
    return stamped(progress.advanced(at, read, contents), answered_ns)


def page(*rows: Mapping[str, object], cursor: str = "", total: int | None = None) -> ScanPage:
    return ScanPage(rows, cursor, total, PAGE_NS)


@pytest.mark.parametrize(
    ("date_ns", "expected_ns"),
    [
        (PAGE_NS - 5, PAGE_NS - 5),
        (PAGE_NS + MAX_AHEAD_NS, PAGE_NS + MAX_AHEAD_NS),
        (PAGE_NS + MAX_AHEAD_NS + 1, PAGE_NS),
        (LAG_NS + 1, LAG_NS + 1),
        (LAG_NS, PAGE_NS),
        (0, PAGE_NS),
        (-1, PAGE_NS),
        (None, PAGE_NS),
    ],
)
def test_page_time_is_lytics_date_unless_implausible(date_ns: int | None, expected_ns: int) -> None:
    assert page_time_ns(ScanPage((), "", None, date_ns), PAGE_NS) == expected_ns


def test_row_becomes_an_enter() -> None:
    row = {"email": " Beth@Example.com ", "first_name": "Beth", "visits": 7, "is_vip": True, "other": "x"}

    contents = contents_of(page(row), READING, PAGE_NS)

    (change,) = contents.changes
    assert change.email == "beth@example.com"
    assert (change.kind, change.audience) == (Kind.ENTER, AUDIENCE)
    assert change.time_ns == ENTER_NS
    assert change.fields_time_ns == PAGE_NS - LAG_NS
    assert change.fields == {"first_name": "Beth", "visits": 7, "is_vip": True}


def test_unusable_values_are_dropped_and_long_texts_cut() -> None:
    row = {"email": "beth@example.com", "first_name": "x" * 1_000_000, "visits": ["1"], "is_vip": None}
    (change,) = contents_of(page(row), READING, PAGE_NS).changes
    assert change.fields == {"first_name": "x" * 4_000}


def test_row_too_long_for_a_message_keeps_only_its_membership() -> None:
    names = [f"bio{number}" for number in range(60)]
    mapped = tuple(MappedField(name, f"{name}_T", name, FieldKind.TEXT, 1000) for name in names)
    export = dataclasses.replace(EXPORT, fields=mapped)
    rows = [
        {"email": "long@example.com", **dict.fromkeys(names, "я" * 4_000)},
        {"email": "short@example.com", "bio1": "short"},
    ]

    long, short = contents_of(page(*rows), dataclasses.replace(READING, export=export), PAGE_NS).changes

    assert (long.email, long.kind, long.audience, long.fields) == (
        "long@example.com",
        Kind.ENTER,
        AUDIENCE,
        {},
    )
    assert short.fields == {"bio1": "short"}


def test_missing_and_bad_addresses_are_counted_separately() -> None:
    rows: list[dict[str, object]] = [
        {},
        {"email": None},
        {"email": ""},
        {"email": "nobody"},
        {"email": ["a@example.com"]},
        {"email": 5},
        {"email": "a b@example.com"},
    ]
    contents = contents_of(page(*rows), READING, PAGE_NS)
    assert (contents.changes, contents.without_email, contents.bad_email) == ((), 3, 4)


def test_addresses_in_any_e_mail_field_are_seen() -> None:
    rows: list[dict[str, object]] = [
        {"email": "Beth@example.com", "work_email": "beth@example.org"},
        {"work_email": "beth@EXAMPLE.com"},
        {"email": "nobody", "work_email": None},
    ]
    reading = dataclasses.replace(READING, email_fields=("email", "work_email"))
    contents = contents_of(page(*rows), reading, PAGE_NS)
    assert dict(contents.seen) == {"beth@example.com": True, "beth@example.org": False}
    assert [change.email for change in contents.changes] == ["beth@example.com"]
    assert (contents.without_email, contents.bad_email) == (1, 1)
    assert reading.lytics_fields == (*EXPORT.lytics_fields, "work_email")

    others = dataclasses.replace(reading, export=None)
    contents = contents_of(page(*rows), others, PAGE_NS)
    assert (len(contents.seen), contents.changes) == (2, ())
    assert (contents.without_email, contents.bad_email) == (0, 1)
    assert others.lytics_fields == ("email", "work_email")


def test_profiles_that_share_an_address_are_each_an_enter() -> None:
    rows = [{"email": "beth@example.com", "visits": 1}, {"email": "BETH@example.com", "visits": 2}]
    changes = contents_of(page(*rows), READING, PAGE_NS).changes
    assert [change.email for change in changes] == ["beth@example.com", "beth@example.com"]


def test_checkpoint_advances_to_the_cursor_and_counts_rows() -> None:
    first = advanced(
        Checkpoint(),
        page({}, {}, {}, cursor="c1", total=5),
        PageContents(without_email=2, bad_email=1),
        LAG_NS + 100,
    )
    second = advanced(first, page({}, {}, total=6), NOTHING, 200)

    assert (first.cursor, first.stamp_ns, first.pages, first.done) == ("c1", 100, 1, False)
    assert (second.cursor, second.stamp_ns, second.pages, second.done) == ("", 100, 2, True)
    assert (second.scanned, second.without_email, second.bad_email, second.people) == (5, 2, 1, 2)
    assert (second.smallest, second.largest, second.is_complete) == (5, 6, True)


def test_empty_page_with_cursor_is_not_the_last() -> None:
    assert not advanced(Checkpoint(), page(cursor="c1"), NOTHING, 1).done


@pytest.mark.parametrize(
    ("rows", "total", "mismatch"),
    [
        (3, 3, ""),
        (4, 3, ""),
        (2, 3, "counts 3 people in the audience but its scan returned 2"),
        (2, None, "did not say"),
    ],
)
def test_scan_is_complete_only_if_lytics_total_fits(rows: int, total: int | None, mismatch: str) -> None:
    done = advanced(Checkpoint(), page(*({} for _ in range(rows)), total=total), NOTHING, 1)
    assert done.done
    assert done.is_complete == (not mismatch)
    assert mismatch in done.mismatch
    for document in (checkpoint_document(done), ScanProgress.of(AUDIENCE, "High", done).document()):
        assert (document["complete"], document["mismatch"]) == (done.is_complete, done.mismatch)


def test_empty_page_cannot_make_a_short_scan_complete() -> None:
    cut = advanced(
        advanced(Checkpoint(), page({}, {}, cursor="c1", total=3), NOTHING, 1), page(total=0), NOTHING, 2
    )
    assert (cut.done, cut.is_complete) == (True, False)
    assert cut.mismatch == "Lytics counts 3 people in the audience but its scan returned 2"


def test_total_from_empty_pages_alone_is_not_trusted() -> None:
    cut = advanced(advanced(Checkpoint(), page({}, cursor="c1"), NOTHING, 1), page(total=0), NOTHING, 2)
    assert cut.mismatch == "Lytics did not say how many people are in the audience"


def test_empty_audience_is_complete_if_every_total_is_zero() -> None:
    empty = advanced(Checkpoint(), page(cursor="c1", total=0), NOTHING, 1)
    assert advanced(empty, page(total=0), NOTHING, 2).is_complete
    with_total = advanced(Checkpoint(), page(cursor="c1", total=1), NOTHING, 1)
    assert advanced(with_total, page(total=0), NOTHING, 2).mismatch.startswith("Lytics counts 1 person in")


@pytest.mark.parametrize(("rows", "is_mismatch"), [(899, True), (900, False), (950, False)])
def test_total_that_falls_too_far_is_not_trusted(rows: int, is_mismatch: bool) -> None:
    first = advanced(Checkpoint(), page(*({} for _ in range(800)), cursor="c1", total=1_000), NOTHING, 1)
    rest = page(*({} for _ in range(rows - 800)), total=rows)
    assert advanced(first, rest, NOTHING, 2).mismatch == (
        f"Lytics counts 1,000 people in the audience but its scan returned {rows:,}" if is_mismatch else ""
    )


@pytest.mark.parametrize(
    ("scanned", "counted", "is_far"),
    [
        (0, 0, False),
        (0, 1, True),
        (1, 100, False),
        (9, 109, False),
        (9, 110, True),
        (899, 1000, True),
        (900, 1000, False),
    ],
)
def test_far_fewer_means_a_tenth_and_a_hundred_people(scanned: int, counted: int, is_far: bool) -> None:
    assert is_far_fewer(scanned, counted) == is_far


@pytest.mark.parametrize("before", [0, 1, 2, 7])
@pytest.mark.parametrize("cycle", [1, 2, 3, 10])
def test_repeated_pages_under_new_cursors_count_once(before: int, cycle: int) -> None:
    pages = 4 * (before + cycle)
    at = Checkpoint()
    for read in range(pages):
        number = read if read < before else before + (read - before) % cycle
        rows = page(
            {"email": f"{number}@example.com"}, {}, {"email": "?"}, cursor=f"c{read}", total=3 * pages
        )
        contents = contents_of(rows, READING, PAGE_NS)
        at = checkpoint_from(checkpoint_document(advanced(at, rows, contents, 1)))
    done = advanced(at, page(), NOTHING, 1)
    assert not done.is_complete
    assert (
        done.mismatch
        == f"Lytics counts {3 * pages} people in the audience but its scan returned {done.scanned}"
    )
    assert done.without_email == done.bad_email == done.people == done.scanned / 3


def test_pages_without_addresses_all_count() -> None:
    at = Checkpoint()
    for cursor in ("c1", "c2", ""):
        at = advanced(at, page({}, {}, cursor=cursor, total=6), PageContents(without_email=2, bad_email=0), 1)
    assert at.is_complete


def test_unfinished_scan_is_neither_complete_nor_a_mismatch() -> None:
    half = advanced(Checkpoint(), page({}, cursor="c1", total=1), NOTHING, 1)
    assert not half.is_complete
    assert (
        checkpoint_document(half)["mismatch"]
        == ScanProgress.of(AUDIENCE, "High", half).document()["mismatch"]
        == ""
    )


def test_progress_summarizes_the_checkpoint() -> None:
    again = restarted(Checkpoint(), "400")
    at = with_messages(
        advanced(again, page({}, {}, {}, {}, total=4), PageContents(without_email=2, bad_email=1), 1),
        "0.aa",
        3,
    )
    assert ScanProgress.of(AUDIENCE, "High", at).document() == {
        "audience": AUDIENCE,
        "audience_name": "High",
        "done": True,
        "scanned": 4,
        "without_email": 2,
        "bad_email": 1,
        "people": 1,
        "messages": 3,
        "restarts": 1,
        "complete": True,
        "mismatch": "",
        "seen": 0,
    }
    assert checkpoint_document(at)["people"] == 1


@pytest.mark.parametrize("before", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("cycle", [1, 2, 3, 10, 64, 100])
def test_cursors_in_a_cycle_stop_the_scan(before: int, cycle: int) -> None:
    stuck_after = 0

    def scan() -> None:
        nonlocal stuck_after
        at = Checkpoint()
        for read in range(4 * (before + cycle) + 1):
            stuck_after = read
            number = read if read < before else before + (read - before) % cycle
            at = checkpoint_from(checkpoint_document(advanced(at, page({}, cursor=f"c{number}"), NOTHING, 1)))

    with pytest.raises(ScanStuck, match="repeats its cursor"):
        scan()
    assert stuck_after >= before + cycle - 1


def test_long_scan_with_new_cursors_is_not_stopped() -> None:
    at = Checkpoint()
    for number in range(5_000):
        at = advanced(at, page({}, cursor=f"c{number}"), NOTHING, 1)
    assert at.pages == 5_000


def test_restart_keeps_the_expected_messages() -> None:
    at = with_messages(advanced(Checkpoint(), page({}, cursor="c1", total=9), NOTHING, 1), "0.aa", 2)
    assert restarted(at, "400") == Checkpoint(restarts=1, expected=(("0.aa", 2),))


def test_too_many_restarts_stop_the_scan_with_lytics_message() -> None:
    at = dataclasses.replace(Checkpoint(), restarts=MAX_RESTARTS, pages=7)
    with pytest.raises(ScanStuck, match=r"4 times, last after 7 pages \(start token is not recent\)"):
        restarted(at, "start token is not recent")


def test_scan_is_given_up_after_many_idle_invocations_in_a_row() -> None:
    at = Checkpoint()
    for _ in range(MAX_IDLE_INVOCATIONS - 1):
        at = after_idle_invocation(at, "503")
    assert advanced(at, page({}, cursor="c1"), NOTHING, 1).fruitless == 0
    with pytest.raises(ScanStuck, match=r"has not answered .* \(503\)"):
        after_idle_invocation(at, "503")


def test_expected_numbers_are_kept_by_invocation() -> None:
    at = with_messages(Checkpoint(), "0.aa", 1)
    at = with_messages(with_messages(at, "0.aa", 2), "0.bb", 1)
    at = with_messages(at, "0.cc", 0)
    document = checkpoint_document(at)
    assert document["expected"] == [["0.aa", 2], ["0.bb", 1]]
    assert (
        at.numbers
        == checkpoint_from(document).numbers
        == {message_number("0.aa", 0), message_number("0.aa", 1), "0.bb.0"}
    )
    assert ScanProgress.of(AUDIENCE, "High", at).document()["messages"] == 3
    assert Checkpoint().numbers == set()


def test_checkpoint_is_read_as_it_was_written() -> None:
    at = begun(Checkpoint(), [("newsletter", "email")], 7)
    at = with_messages(advanced(at, page({}, cursor="c1", total=9), NOTHING, 5), "0.aa", 2)
    at = in_trouble(with_chunk(sampled(at, [("beth@example.com", True)]), 1), "gone")
    at = dataclasses.replace(
        at, parts=(ScanPart(splits="0,2", cursor="c2"), ScanPart(splits="1,3", done=True)), counted=9
    )
    document = checkpoint_document(at)
    assert checkpoint_from(json.loads(json.dumps(document))) == at


def test_checkpoint_of_an_older_release_is_read() -> None:
    document = checkpoint_document(Checkpoint(cursor="c1", expected=(("0.aa", 1),)))
    for name in ("email_fields", "sample", "parts", "stamp_ns", "seen", "trouble"):
        del document[name]
    assert checkpoint_from(document | {"started_ns": 5}) == Checkpoint(cursor="c1", expected=(("0.aa", 1),))


def test_keys_of_a_newer_checkpoint_are_ignored() -> None:
    document = checkpoint_document(Checkpoint(parts=(ScanPart(splits="0"),)))
    newer = document | {"new": 1, "parts": [part | {"new": 1} for part in document["parts"]]}
    assert checkpoint_from(newer) == Checkpoint(parts=(ScanPart(splits="0"),))


def test_scan_that_begins_anew_has_seen_nobody() -> None:
    at = begun(Checkpoint(), [("newsletter", "email")], 7)
    at = advanced(at, page({}, cursor="c1", total=9), NOTHING, LAG_NS + 5)
    at = with_chunk(sampled(at, [("beth@example.com", True)]), 1)
    again = restarted(dataclasses.replace(at, whole="no parts"), "400")
    assert again == Checkpoint(restarts=1, whole="no parts")
    assert scanned_whole(again, "no parts at all") == Checkpoint(whole="no parts at all")
    assert not again.addresses_found
    assert advanced(again, page({}), NOTHING, LAG_NS + 9).stamp_ns == 9


def test_trouble_ends_a_scan_that_is_not_complete() -> None:
    at = in_trouble(advanced(Checkpoint(), page({}, total=1), NOTHING, 1), "gone")
    assert at.ended
    assert not at.is_complete
    progress = ScanProgress.of(
        AUDIENCE, "High", dataclasses.replace(at, done=False, whole="no parts")
    ).document()
    assert (progress["done"], progress["trouble"], progress["whole"]) == (True, "gone", "no parts")


def test_sample_has_addresses_with_capitals_first() -> None:
    at = sampled(Checkpoint(), [(f"small{number}@example.com", False) for number in range(30)])
    assert len(at.sample) == SAMPLE
    at = sampled(at, [("beth@example.com", True), ("more@example.com", False), ("beth@example.com", True)])
    assert at.sample[0] == ("beth@example.com", True)
    assert [capitals for _, capitals in at.sample] == [True] + [False] * (SAMPLE - 1)
    full = sampled(at, [(f"capital{number}@example.com", True) for number in range(30)])
    assert all(capitals for _, capitals in full.sample)
    assert len(full.sample) == SAMPLE
    assert sampled(full, [("late@example.com", True)]) is full
