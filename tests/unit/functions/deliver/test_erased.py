"""What an erasure leaves of a contact and of its changes."""

from dataclasses import replace

import pytest

from functions.deliver.erased import erased_ns, since_erasure
from functions.deliver.intake import Intake
from functions.deliver.received import PendingContact, ReceivedMessage
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, Rejection
from lytics_sendgrid.domain.erasure import NO_HOLDS, Hold, Holds, erasure_hash
from tests.unit.functions.deliver.example_changes import enter, exit_, message, refresh
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, READERS, VIEW

ANN = "ann@example.org"
AT_S = 100
AT_NS = AT_S * 1_000_000_000
SINCE = {READERS: 50, BUYERS: AT_NS + 500}
"""The buyers were added to the account after the erasure."""
KNOWN = Contact(
    version=4,
    memberships={READERS: 60},
    fields={"first_name": (60, "Ann")},
    lists=("l1",),
    job="j1",
    sent_ms=7,
    row="aa",
    configuration=3,
)


def change(time_ns: int) -> Change:
    return Change(ANN, time_ns, Kind.CHANGE, fields={"city": "Oslo"})


def scanned(audience: str) -> Change:
    return enter(ANN, SINCE[audience] + 1, audience, city="Rome")


def erase(time_ns: int = AT_NS) -> Change:
    return Change(ANN, time_ns, Kind.ERASE)


def left(loaded: Contact, *changes: Change) -> tuple[Contact, list[Change]] | None:
    """Return the state that counts and the changes that do, or None."""
    found = since_erasure(loaded, [(change, EXPORT) for change in changes], SINCE, AT_NS)
    return None if found is None else (found[0], [change for change, _ in found[1]])


def pending(*changes: Change) -> PendingContact:
    intake = Intake([ReceivedMessage("m0", 1, message(*changes))], {"newsletter": VIEW}, now_ms=0)
    (contact,) = intake.contacts.values()
    return contact


def test_erasure_is_known_by_its_hold_or_by_its_change() -> None:
    key = b"k" * 32
    holds = Holds(1, key, {erasure_hash(key, ANN): Hold(AT_S, 900, was_known=True)})
    assert erased_ns(pending(enter(ANN)), NO_HOLDS) == 0
    assert erased_ns(pending(enter(ANN)), holds) == AT_NS
    assert erased_ns(pending(erase(AT_NS + 1), enter(ANN)), holds) == AT_NS + 1
    assert erased_ns(pending(erase(5)), NO_HOLDS) == 5
    assert erased_ns(pending(enter("bob@example.org")), holds) == 0


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [enter(ANN, AT_NS)],
        [enter(ANN, AT_NS - 1, city="Oslo")],
        [exit_(ANN, AT_NS + 1)],
        [change(AT_NS + 1)],
        [scanned(READERS)],
        [scanned(BUYERS)],
        [enter(ANN, AT_NS + 400, BUYERS)],
        [enter(ANN, AT_NS + 500, BUYERS)],
        [refresh(ANN, AT_S * 2_000)],
        [erase()],
    ],
    ids=[
        *("nothing", "the time of the erasure", "late event", "exit", "change", "scan", "scan of a new one"),
        *("before the audience was added", "as the audience was added", "refresh", "erase"),
    ],
)
@pytest.mark.parametrize("loaded", [UNKNOWN, KNOWN], ids=["unknown", "known"])
def test_nothing_but_an_enter_event_after_the_erasure_brings_back(
    loaded: Contact, changes: list[Change]
) -> None:
    assert left(loaded, *changes) is None


def test_enter_after_the_erasure_brings_back_without_what_was_known() -> None:
    new, old = enter(ANN, AT_NS + 1), exit_(ANN, AT_NS)
    found = left(KNOWN, new, old, erase())
    assert found is not None
    state, changes = found
    assert changes == [new]
    assert state == replace(UNKNOWN, version=4, sent_ms=7)


def test_events_of_who_is_back_count() -> None:
    back = replace(KNOWN, memberships={READERS: -(AT_NS + 9)}, fields={})
    later = [exit_(ANN, AT_NS + 10), change(AT_NS + 3), refresh(ANN, 5)]
    assert left(back, *later, erase()) == (back, later)


def test_rejects_of_who_is_back_count_whatever_their_time() -> None:
    back = replace(KNOWN, memberships={READERS: AT_NS + 9}, fields={})
    reject = Change(ANN, AT_NS - 1, Kind.REJECT)
    assert left(back, reject) == (back, [reject])


def test_enter_brings_back_although_an_exit_follows() -> None:
    changes = [enter(ANN, AT_NS + 1), exit_(ANN, AT_NS + 2)]
    found = left(UNKNOWN, *changes)
    assert found is not None
    assert found[1] == changes


def test_scan_shows_who_is_back_with_the_least_time_after_the_erasure() -> None:
    back = replace(KNOWN, memberships={READERS: AT_NS + 9}, fields={})
    found = since_erasure(back, [(scanned(READERS), EXPORT), (scanned(BUYERS), EXPORT)], SINCE, AT_NS)
    assert found is not None
    _, changes, since = found
    assert since == {READERS: AT_NS, BUYERS: AT_NS + 500}
    assert [(one.audience, one.time_ns) for one, _ in changes] == [
        (READERS, AT_NS + 1),
        (BUYERS, AT_NS + 501),
    ]


@pytest.mark.parametrize(("page_ns", "fields"), [(AT_NS, {}), (AT_NS + 1, {"city": "Rome"})])
def test_scan_of_who_is_back_brings_no_fields_of_before(page_ns: int, fields: dict[str, str]) -> None:
    back = replace(KNOWN, memberships={READERS: AT_NS + 9}, fields={})
    found = left(back, replace(scanned(READERS), fields_time_ns=page_ns))
    assert found is not None
    assert [one.fields for one in found[1]] == [fields]


def test_scan_counts_if_one_audience_still_has_who_is_back() -> None:
    back = replace(KNOWN, memberships={READERS: -(AT_NS + 9), BUYERS: AT_NS + 501}, fields={})
    found = left(back, scanned(READERS))
    assert found is not None
    assert [(one.audience, one.time_ns) for one in found[1]] == [(READERS, AT_NS + 1)]


def test_scan_counts_if_an_event_of_now_brings_back() -> None:
    found = left(UNKNOWN, enter(ANN, AT_NS + 600, BUYERS), scanned(READERS))
    assert found is not None
    assert [one.audience for one in found[1]] == [BUYERS, READERS]


def test_scan_without_a_time_of_its_fields_brings_none() -> None:
    back = replace(KNOWN, memberships={READERS: AT_NS + 9}, fields={})
    found = left(back, replace(scanned(READERS), fields_time_ns=None))
    assert found is not None
    assert [one.fields for one in found[1]] == [{}]


def test_state_of_the_time_of_the_erasure_is_forgotten() -> None:
    mixed = replace(
        KNOWN,
        memberships={READERS: AT_NS, BUYERS: AT_NS + 900},
        fields={"e1_T": (AT_NS, "Oslo"), "e2_T": (AT_NS + 1, "Rome")},
    )
    found = left(mixed)
    assert found is not None
    assert (found[0].memberships, found[0].fields) == ({BUYERS: AT_NS + 900}, {"e2_T": (AT_NS + 1, "Rome")})


def test_row_is_due_if_only_a_field_is_forgotten() -> None:
    mixed = replace(KNOWN, memberships={READERS: AT_NS + 9}, fields={"first_name": (60, "Ann")})
    found = left(mixed)
    assert found is not None
    assert (found[0].fields, found[0].row) == ({}, None)


def test_scan_puts_nobody_in_of_whom_only_an_exit_came_later() -> None:
    gone = replace(KNOWN, memberships={READERS: -(AT_NS + 9)}, fields={})
    assert left(gone, scanned(BUYERS)) == (gone, [])


def test_old_part_of_who_is_back_is_forgotten_and_the_row_is_due() -> None:
    mixed = replace(
        KNOWN,
        memberships={READERS: 60, BUYERS: AT_NS + 900},
        fields={"first_name": (60, "Ann"), "e1_T": (AT_NS + 900, "Oslo")},
        rejection=Rejection("fields", "400", "aa", 5),
    )
    assert left(mixed) == (
        replace(
            mixed,
            memberships={BUYERS: AT_NS + 900},
            fields={"e1_T": (AT_NS + 900, "Oslo")},
            row=None,
            job=None,
            configuration=0,
            rejection=None,
        ),
        [],
    )


def test_fields_alone_do_not_bring_back() -> None:
    assert left(replace(KNOWN, fields={"first_name": (AT_NS + 1, "Ann")})) is None
