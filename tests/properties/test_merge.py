"""Any order, number and grouping of one person's events gives the same state and the same SendGrid row.

Each property is one of the design's: "any permutation, duplication or split of the same events ends in the
same state", "a no-op sends nothing", "as few PUT as 30,000 rows and 5.5 MB of body allow".
"""

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.deliver import row_queue
from functions.deliver.merge import has_news, is_least, merge
from functions.deliver.row_queue import MAX_ROWS, Row, RowExtent, batches, request_body
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Export, FieldKind, MappedField
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, Rejection, decode, encode
from lytics_sendgrid.sendgrid.row import membership_values, row_hash, row_lists, row_of
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import message
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, FORM, READERS, SEGMENTS

ANN = "ann@example.org"
WEEKLY = replace(
    EXPORT,
    name="weekly",
    list_id="list-1",
    fields=(*EXPORT.fields, MappedField("value", "e2_N", "value", FieldKind.NUMBER, 1000)),
)
FORM_WITH_LIST = replace(FORM, lists={"list-1": "newsletter"})

values = st.one_of(
    st.sampled_from(["Oslo", "Bergen", "", "7", "7.0"]),
    st.text(max_size=5),
    st.integers(-9, 9),
    st.floats(),
    st.booleans(),
)
changes = st.builds(
    Change,
    email=st.just(ANN),
    time_ns=st.integers(2, 5),
    kind=st.sampled_from([Kind.ENTER, Kind.EXIT, Kind.CHANGE]),
    audience=st.sampled_from([READERS, BUYERS]),
    fields=st.dictionaries(st.sampled_from(["first_name", "city", "value", "unmapped"]), values, max_size=4),
    fields_time_ns=st.none() | st.integers(2, 5),
)
"""Events of Lytics' webhook. ``FORM`` counts all of them, and a scan's row would have the time 1."""
sinces = st.fixed_dictionaries({READERS: st.integers(0, 5), BUYERS: st.integers(0, 5)})
events = st.lists(st.tuples(changes, st.sampled_from([EXPORT, WEEKLY])), min_size=1, max_size=8)


def row(contact: Contact) -> tuple[str, tuple[str, ...]]:
    return row_of(ANN, contact, FORM_WITH_LIST), row_lists(contact, FORM_WITH_LIST)


def split(events: Sequence[tuple[Change, Export]], cuts: random.Random) -> list[list[tuple[Change, Export]]]:
    parts: list[list[tuple[Change, Export]]] = [[]]
    for event in events:
        if cuts.random() < 0.5:
            parts.append([])
        parts[-1].append(event)
    return parts


@given(events, st.randoms(use_true_random=False))
def test_any_order_duplication_and_split_give_the_same_state_and_row(
    events: list[tuple[Change, Export]], chance: random.Random
) -> None:
    together = merge(UNKNOWN, events, FORM.since)
    shuffled = events + chance.choices(events, k=chance.randrange(4))
    chance.shuffle(shuffled)
    contact = UNKNOWN
    for part in split(shuffled, chance):
        contact = merge(contact, part, FORM.since)
    assert (contact.memberships, contact.fields, contact.lists) == (
        together.memberships,
        together.fields,
        together.lists,
    )
    assert row(contact) == row(together)
    assert row_hash(*row(contact)) == row_hash(*row(together))


@given(events)
def test_last_event_wins_and_exit_at_equal_times(events: list[tuple[Change, Export]]) -> None:
    contact = merge(UNKNOWN, events, FORM.since)
    for audience in (READERS, BUYERS):
        moves = [
            (change.time_ns, change.kind is Kind.EXIT)
            for change, _ in events
            if change.audience == audience and change.kind is not Kind.CHANGE
        ]
        assert contact.is_in(audience) == (bool(moves) and not max(moves)[1])


def without_scans_fields(
    events: list[tuple[Change, Export]], since: Mapping[str, int]
) -> list[tuple[Change, Export]]:
    """Return the events, and each that is as early as a scan's row without fields."""
    return [
        (replace(change, fields={}) if is_least(change, since) else change, export)
        for change, export in events
    ]


@given(events, sinces, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_state_with_since(
    events: list[tuple[Change, Export]], since: dict[str, int], chance: random.Random
) -> None:
    events = without_scans_fields(events, since)
    together = merge(UNKNOWN, events, since)
    shuffled = events + chance.choices(events, k=chance.randrange(4))
    chance.shuffle(shuffled)
    contact = UNKNOWN
    for part in split(shuffled, chance):
        contact = merge(contact, part, since)
    assert (contact.memberships, contact.fields, contact.lists) == (
        together.memberships,
        together.fields,
        together.lists,
    )


@given(events, st.lists(sinces, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_memberships_are_the_same_whichever_configurations_merged_them(
    events: list[tuple[Change, Export]], sinces: list[dict[str, int]], chance: random.Random
) -> None:
    """A later configuration never has an earlier ``since``. Each consumer may have a stale one."""
    newest = {audience: max(since[audience] for since in sinces) for audience in (READERS, BUYERS)}
    form = replace(FORM, since=newest)
    contact = UNKNOWN
    chance.shuffle(events)
    for part in split(events, chance):
        contact = merge(contact, part, chance.choice(sinces))
    for audience in (READERS, BUYERS):
        moves = [
            (change.time_ns, change.kind is Kind.EXIT)
            for change, _ in events
            if change.audience == audience
            and change.kind is not Kind.CHANGE
            and change.time_ns > newest[audience]
        ]
        ids = membership_values(contact, form).get(SEGMENTS, "none").split(",")
        assert (audience in ids) == (bool(moves) and not max(moves)[1])


@given(events, events, sinces, st.randoms(use_true_random=False))
def test_scans_row_of_a_known_member_changes_no_membership(
    events: list[tuple[Change, Export]],
    others: list[tuple[Change, Export]],
    since: dict[str, int],
    chance: random.Random,
) -> None:
    scans = [(Change(ANN, since[audience] + 1, Kind.ENTER, audience, {}, 9), EXPORT) for audience in since]
    events = without_scans_fields([*events, *others], since)
    both = [*events, *scans]
    chance.shuffle(both)
    contact = UNKNOWN
    for part in split(both, chance):
        contact = merge(contact, part, since)
    alone = merge(UNKNOWN, events, since).memberships
    assert {audience: contact.memberships[audience] for audience in alone} == alone
    for audience in since.keys() - alone.keys():
        assert contact.memberships[audience] == since[audience] + 1


@given(events, st.dictionaries(st.sampled_from(["first_name", "city"]), values, max_size=2))
def test_second_scan_of_the_same_people_writes_nothing(
    events: list[tuple[Change, Export]], fields: dict[str, Any]
) -> None:
    def scan(fields_time_ns: int) -> list[tuple[Change, Export]]:
        return [(Change(ANN, 1, Kind.ENTER, READERS, fields, fields_time_ns), EXPORT)]

    known = merge(merge(UNKNOWN, events, FORM.since), scan(10), FORM.since)
    assert merge(known, scan(20), FORM.since) is known


@given(events)
def test_merging_again_changes_nothing(events: list[tuple[Change, Export]]) -> None:
    contact = merge(UNKNOWN, events, FORM.since)
    assert merge(contact, events, FORM.since) is contact
    assert has_news(contact, UNKNOWN) == (contact is not UNKNOWN)


@settings(deadline=None)
@given(events, st.randoms(use_true_random=False))
def test_no_op_sends_nothing_and_any_order_ends_in_same_contact(
    events: list[tuple[Change, Export]], chance: random.Random
) -> None:
    ordered, mixed = Scene(), Scene()
    changes = [change for change, _ in events]
    ordered.deliver(message(*changes))
    requests = len(ordered.sendgrid.requests)
    ordered.deliver(message(*changes), *(message(change) for change in changes))
    assert len(ordered.sendgrid.requests) == requests
    shuffled = changes + chance.choices(changes, k=2)
    chance.shuffle(shuffled)
    for change in shuffled:
        mixed.deliver(message(change))
        mixed.clock.now_s += 901
    assert mixed.sendgrid.held == ordered.sendgrid.held
    if ordered.has(ANN):
        one, other = ordered.contact(ANN), mixed.contact(ANN)
        assert (one.memberships, one.fields, one.row) == (other.memberships, other.fields, other.row)


contacts = st.builds(
    Contact,
    version=st.integers(1, 9),
    memberships=st.dictionaries(st.sampled_from([READERS, BUYERS]), st.integers(-9, 9).filter(bool)),
    fields=st.dictionaries(
        st.sampled_from(["first_name", "e1_T", "e2_N"]),
        st.tuples(
            st.integers(1, 3),
            st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.floats(-9, 9),
        ),
    ),
    lists=st.lists(st.text("ab", max_size=2), unique=True).map(lambda names: tuple(sorted(names))),
    job=st.text(max_size=3),
    sent_ms=st.integers(0, 9),
    row=st.text("0f", min_size=1, max_size=3),
    configuration=st.integers(0, 9),
    rejection=st.none() | st.builds(Rejection, st.text(), st.text(), st.text(), st.integers(0, 9)),
)


@given(contacts)
def test_state_that_was_written_is_read(contact: Contact) -> None:
    assert decode(encode(contact), contact.version) == contact
    assert encode(contact).isascii()


@given(
    st.lists(st.sampled_from([1, 50, 400, 1_000, 27_400, 54_000, 60_000]), max_size=30),
    st.integers(0, 3),
)
@example([50, 27_400, 27_400], 3)
def test_requests_keep_every_row_in_order_and_their_limits(sizes: list[int], lists: int) -> None:
    list_ids = [f"{n:036d}" for n in range(lists)]
    rows = [Row(f"{n}", f"{n}@example.org", "x" * size, str) for n, size in enumerate(sizes)]
    with patch.object(row_queue, "MAX_BYTES", 55_000):  # a hundredth: to write megabytes takes long
        cut = list(batches(rows, list_ids))
    assert [one for batch in cut for one in batch] == rows
    for batch in cut:
        assert 1 <= len(batch) <= MAX_ROWS
        assert len(batch) == 1 or len(request_body(batch, RowExtent.WHOLE, list_ids)) <= 55_000
    for one, following in itertools.pairwise(cut):
        assert len(request_body([*one, following[0]], RowExtent.WHOLE, list_ids)) > 55_000
