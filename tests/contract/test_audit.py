"""The audit over SendGrid's twin: what somebody changes in SendGrid is found, repaired and sent again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.audit.sendgrid import audited_sendgrid_at, file_of
from lytics_sendgrid.sendgrid.resources import segment_query
from lytics_sendgrid.system_clock import SystemClock
from tests.contract.sendgrid_scene import CONTACTS, SEGMENTS, scene_of
from tests.contract.sendgrid_scene import Scene as Twin
from tests.newsletter import HIGH_VALUE, NEWSLETTER
from tests.unit.functions.audit.audit_scene import Scene

ADA, BOB, CY = "ada@example.org", "bob@example.org", "cy@example.org"


@pytest.fixture
def twin() -> Iterator[Twin]:
    with scene_of() as twin:
        yield twin


def audited(twin: Twin) -> Scene:
    """Return an audit of the twin's account, in which everybody is in the audience."""
    scene = Scene()
    field = twin.twin.add_field("lytics_segments")
    twin.applied(*({"email": email, "custom_fields": {field: HIGH_VALUE}} for email in (ADA, BOB, CY)))
    for email in (ADA, BOB, CY):
        scene.contact(email)
    query = {"name": "High value users", "query_dsl": segment_query("lytics_segments", HIGH_VALUE)}
    segment_id = twin.call("POST", SEGMENTS, query).json()["id"]
    account = scene.exports.account("default")
    provisioned = replace(account.audiences[HIGH_VALUE], segment_id=segment_id)
    account = replace(account, version=4, membership_fields={"lytics_segments": field})
    scene.exports.put_account(account.with_audience(HIGH_VALUE, provisioned), 3)
    scene.exports.put_export(replace(NEWSLETTER, fields=()))
    clock = SystemClock()
    scene.account = audited_sendgrid_at(twin.twin.url, "SG.full", clock)
    scene.download = lambda url: file_of(url, twin.twin.url, clock, 20.0)
    return scene


def finished(twin: Twin, scene: Scene) -> dict[str, Any]:
    while not scene.call().done:
        twin.clock.advance(60)
        twin.twin.settle()
    document = scene.document()
    assert document["trouble"] == ""
    return {**document["counts"], "segments": document["segments"]}


def test_audit_of_an_untouched_account_finds_nothing(twin: Twin) -> None:
    scene = audited(twin)
    found = finished(twin, scene)
    assert (found["compared"], found["overwritten"], found["deleted"], found["segments"]) == (3, 0, 0, [])
    assert scene.changes() == []


def test_audit_finds_what_somebody_changed_in_sendgrid(twin: Twin) -> None:
    scene = audited(twin)
    (field,) = scene.exports.account("default").membership_fields.values()
    assert field is not None
    twin.applied({"email": BOB, "custom_fields": {field: "none"}})
    twin.call("DELETE", f"{CONTACTS}?ids={twin.contact(CY)['id']}")
    twin.twin.settle()
    scene.request = {"restore_deleted": True}
    found = finished(twin, scene)
    assert (found["compared"], found["overwritten"], found["deleted"]) == (3, 1, 1)
    assert [change.email for change in scene.changes()] == [BOB, CY]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_audit_repairs_a_segment(twin: Twin, is_deleted: bool) -> None:
    scene = audited(twin)
    segment_id = scene.exports.account("default").audiences[HIGH_VALUE].segment_id
    if is_deleted:
        twin.call("DELETE", f"{SEGMENTS}/{segment_id}")
    else:
        other = {"query_dsl": segment_query("lytics_segments", "0" * 32)}
        twin.clock.advance(600)
        assert twin.call("PATCH", f"{SEGMENTS}/{segment_id}", other).status_code == 200
        twin.clock.advance(600)
    scene.request = {"repair_segments": True}
    (words,) = finished(twin, scene)["segments"]
    assert words.endswith("It is repaired")
    present = scene.exports.account("default").audiences[HIGH_VALUE].segment_id
    assert (present == segment_id) is not is_deleted
    query = twin.call("GET", f"{SEGMENTS}/{present}").json()["query_dsl"]
    assert query == segment_query("lytics_segments", HIGH_VALUE)
