"""A contact is read from the ledger as it was written, and fits one write unit of 1 KB."""

from dataclasses import replace

from lytics_sendgrid.domain.contact import UNKNOWN, Contact, Rejection, contact_key, decode, encode

FULL = Contact(
    version=7,
    memberships={f"{n:032x}": (-1) ** n * (1_790_000_000_000_000_000 + n) for n in range(5)},
    fields={
        "first_name": (1_790_000_000_000_000_000, "Maximiliane"),
        "last_name": (1_790_000_000_000_000_000, "Featherstonehaugh"),
        "e1_T": (1_790_000_000_000_000_000, "Saint-Germain-en-Laye"),
        "e2_N": (1_790_000_000_000_000_001, 1234.5),
        "e3_D": (1_790_000_000_000_000_000, "2026-11-23T00:00:00Z"),
    },
    lists=("0f8b1c9e-7a55-4c1f-9a8e-2f3b4c5d6e7f",),
    job="2f8b1c9e-7a55-4c1f-9a8e-2f3b4c5d6e7f",
    sent_ms=1_795_000_000_000,
    row="0123456789abcdef",
    configuration=12,
)


def test_key_names_account_and_address() -> None:
    assert contact_key("acme", "ann@example.org") == "acme#ann@example.org"


def test_what_was_written_is_read() -> None:
    assert decode(encode(FULL), 7) == FULL


def test_contact_without_an_accepted_row_keeps_its_refusal() -> None:
    rejected = Contact(1, {"a": -5}, sent_ms=3, rejection=Rejection("address", "400 no", "ff", 9))
    assert decode(encode(rejected), 1) == rejected


def test_rejection_beside_an_accepted_row_is_kept() -> None:
    rejected = Contact(1, {"a": 5}, job="j", sent_ms=3, row="aa", rejection=Rejection("fields", "w", "bb", 9))
    assert decode(encode(rejected), 1) == rejected


def test_state_is_small_and_names_no_defaults() -> None:
    assert encode(UNKNOWN) == '{"memberships":{},"fields":[],"config":0}'
    assert decode(encode(UNKNOWN), 0) == UNKNOWN


def test_person_in_five_audiences_fits_one_write_unit() -> None:
    item = {
        "pk": contact_key("acme-newsletter", f"{'a' * 40}@example.org"),
        "version": "12",
        "state": encode(FULL),
    }
    assert sum(len(name) + len(value) for name, value in item.items()) < 1_024


def test_time_of_the_last_of_several_requests_is_kept() -> None:
    assert decode(encode(replace(FULL, latest_ms=1_795_000_060_000)), 7).latest_ms == 1_795_000_060_000
    assert "latest" not in encode(FULL)


def test_fields_that_an_item_cannot_hold_are_left_out_and_memberships_stay() -> None:
    long = {f"e{n}_T": (n, "ж" * 1_000) for n in range(75)}
    state = encode(replace(FULL, fields=long))
    assert len(state) < 1_000
    assert decode(state, 7) == replace(FULL, fields={})
    shorter = {name: long[name] for name in [*long][:60]}
    assert decode(encode(replace(FULL, fields=shorter)), 7).fields == shorter
    assert len(encode(replace(FULL, fields=shorter))) < 400_000


def test_membership_is_the_sign_of_the_last_event() -> None:
    contact = Contact(memberships={"in": 5, "out": -5})
    assert (contact.is_in("in"), contact.is_in("out"), contact.is_in("unknown")) == (True, False, False)
