"""Configurations of exports and accounts, and the membership field of an audience."""

import dataclasses
import json

import pytest

from lytics_sendgrid.domain.configuration import (
    MEMBERSHIP_FIELD_IDS,
    Account,
    AudienceState,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
    membership_field_name,
)
from lytics_sendgrid.domain.configuration_document import (
    account_document,
    account_from,
    export_document,
    export_from,
)
from tests.newsletter import HIGH_VALUE, LAPSED, NEWSLETTER, READERS

ACCOUNT = Account(
    "default",
    version=4,
    membership_fields={"lytics_segments": "e7_T", "lytics_segments_1": None},
    audiences={
        HIGH_VALUE: ProvisionedAudience("lytics_segments", "segment-1", "list-1", ("newsletter", "second")),
        LAPSED: ProvisionedAudience(
            *("lytics_segments_1", None, None, ()),
            since_ns=5,
            state=AudienceState.CLEARED,
            state_since_s=7,
            made=True,
            delete_segment=True,
        ),
    },
    fields={"newsletter": ("e8_T", "e9_N"), "second": ()},
    to_clear={LAPSED: 7},
)


@pytest.mark.parametrize(
    "export",
    [
        NEWSLETTER,
        dataclasses.replace(
            NEWSLETTER, list_id="l", list_name="L", lytics_job="j", lytics_auth="a", stopped_s=9
        ),
    ],
)
def test_export_is_read_as_it_was_written(export: Export) -> None:
    assert export_from(json.loads(json.dumps(export_document(export)))) == export


@pytest.mark.parametrize("account", [ACCOUNT, Account("empty")])
def test_account_is_read_as_it_was_written(account: Account) -> None:
    assert account_from(json.loads(json.dumps(account_document(account)))) == account


def test_configuration_of_an_older_release_is_read() -> None:
    document = account_document(ACCOUNT)
    new = {"since_ns", "state", "state_since_s", "made", "delete_segment"}
    document["audiences"] = {
        audience: {name: value for name, value in provisioned.items() if name not in new}
        for audience, provisioned in document["audiences"].items()
    }
    del document["to_clear"]
    account = account_from(document)
    assert account.to_clear == {}
    assert account.audiences[LAPSED] == ProvisionedAudience("lytics_segments_1", None, None, ())


@pytest.mark.parametrize(
    ("state", "exports", "is_listed"),
    [
        (AudienceState.LIVE, ("newsletter",), True),
        (AudienceState.LIVE, (), False),
        (AudienceState.STOPPED, ("newsletter",), True),
        (AudienceState.KEPT, (), True),
        (AudienceState.CLEARED, (), False),
    ],
)
def test_rows_hold_the_ids_of_listed_audiences(
    state: AudienceState, exports: tuple[str, ...], is_listed: bool
) -> None:
    assert ProvisionedAudience("lytics_segments", None, None, exports, state=state).is_listed is is_listed


def test_export_knows_its_audiences_and_fields() -> None:
    assert NEWSLETTER.audience_ids == {HIGH_VALUE, READERS, LAPSED}
    assert NEWSLETTER.lytics_fields == (
        "email",
        "first_name",
        "last_name",
        "city",
        "lifetime_value",
        "last_purchase",
    )


def test_field_mapped_twice_is_needed_once() -> None:
    twice = MappedField("city", "e8_T", "town", FieldKind.TEXT, 1000)
    export = dataclasses.replace(NEWSLETTER, fields=(*NEWSLETTER.fields, twice))
    assert export.lytics_fields == NEWSLETTER.lytics_fields


def test_custom_field_has_an_id_that_is_not_its_name() -> None:
    assert [mapped.is_custom for mapped in NEWSLETTER.fields] == [False, False, True, True, True]


def test_field_kinds_are_sendgrids_names() -> None:
    assert [str(kind) for kind in FieldKind] == ["Text", "Number", "Date"]


def test_membership_fields_are_numbered_from_the_second() -> None:
    names = [membership_field_name(number) for number in range(3)]
    assert names == ["lytics_segments", "lytics_segments_1", "lytics_segments_2"]


def test_30_ids_fit_sendgrids_1000_characters() -> None:
    assert len(",".join(["f" * 32] * MEMBERSHIP_FIELD_IDS)) <= 1_000
    assert len(",".join(["f" * 32] * (MEMBERSHIP_FIELD_IDS + 1))) > 1_000


def test_30_audiences_share_a_membership_field() -> None:
    account = Account("default")
    for number in range(70):
        audience = f"{number:032x}"
        account = account.with_audience(
            audience, ProvisionedAudience(account.field_for(audience), None, None, ("newsletter",))
        )
    fields = [provisioned.membership_field for provisioned in account.audiences.values()]
    assert fields == ["lytics_segments"] * 30 + ["lytics_segments_1"] * 30 + ["lytics_segments_2"] * 10


def test_audience_keeps_its_field_and_free_room_is_reused() -> None:
    full = Account(
        "default",
        audiences={
            f"{number:032x}": ProvisionedAudience(membership_field_name(number // 30), None, None, ("e",))
            for number in range(45)
            if number != 7
        },
    )
    assert full.field_for(f"{40:032x}") == "lytics_segments_1"
    assert full.field_for("f" * 32) == "lytics_segments"
    assert (
        full.with_audience("f" * 32, ACCOUNT.audiences[HIGH_VALUE]).field_for("e" * 32) == "lytics_segments_1"
    )
