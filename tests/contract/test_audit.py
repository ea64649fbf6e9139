"""The audit over SendGrid's twin: what somebody changes in SendGrid is found, repaired and sent again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.audit.auditing import TASK
from functions.audit.sendgrid import audited_sendgrid_at, file_of
from functions.audit.state import AuditState
from lytics_sendgrid.domain.configuration import Account, FieldKind, MappedField
from lytics_sendgrid.errors import ConfigurationChanged
from lytics_sendgrid.sendgrid.resources import segment_query
from lytics_sendgrid.system_clock import SystemClock
from tests.clock import ManualClock
from tests.contract.sendgrid_scene import CONTACTS, SEGMENTS, scene_of
from tests.contract.sendgrid_scene import Scene as Twin
from tests.newsletter import HIGH_VALUE, NEWSLETTER
from tests.unit.functions.audit.audit_scene import RUN, Scene

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


def test_audit_finds_an_overwritten_reserved_field(twin: Twin) -> None:
    scene = audited(twin)
    city = MappedField("city", "city", "city", FieldKind.TEXT, 60)
    scene.exports.put_export(replace(NEWSLETTER, fields=(city,)))
    scene.contact(ADA, fields={"city": (5, "Paris")})
    twin.applied({"email": ADA, "city": "Rome"})
    found = finished(twin, scene)
    assert (found["overwritten"], found["fields"], found["unread"]) == (1, {"city": 1}, {})
    assert [change.email for change in scene.changes()] == [ADA]


def test_audit_says_which_field_the_file_does_not_show(twin: Twin) -> None:
    scene = audited(twin)
    city = MappedField("city", "city", "city", FieldKind.TEXT, 60)
    scene.exports.put_export(replace(NEWSLETTER, fields=(city,)))
    scene.contact(ADA, fields={"city": (5, "Paris")})
    twin.twin.set_options(export_hidden_columns=("city",))
    found = finished(twin, scene)
    assert (found["overwritten"], found["unread"]) == (0, {"city": 1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"export_outcome": "failure"}, "export of contacts failed: the export could not be created"),
        ({"export_outcome": "pending"}, "was not ready after 6 hours"),
        ({"export_hidden_columns": ("lytics_segments",)}, "no column for the custom field 'lytics_segments'"),
        ({"export_ttl_s": 1.0}, "could not be read"),
    ],
)
def test_export_that_cannot_be_compared_touches_nobody(
    twin: Twin, options: dict[str, Any], message: str
) -> None:
    scene = audited(twin)
    (field,) = scene.exports.account("default").membership_fields.values()
    twin.applied({"email": BOB, "custom_fields": {field: "none"}})
    twin.call("DELETE", f"{CONTACTS}?ids={twin.contact(CY)['id']}")
    twin.twin.settle()
    twin.twin.set_options(**options)
    scene.request = {"restore_deleted": True}
    while not scene.call().done:
        scene.clock.move(600)
        twin.clock.advance(600)
    trouble = scene.document()["trouble"]
    assert message in trouble
    assert "no contact was compared, sent again or created again" in trouble
    assert scene.changes() == []


OTHER = segment_query("lytics_segments", "0" * 32)


def own_segment(scene: Scene) -> str:
    segment_id = scene.exports.account("default").audiences[HIGH_VALUE].segment_id
    assert segment_id is not None
    return segment_id


@pytest.mark.parametrize(
    "changes", [{"query_dsl": OTHER}, {"name": "Mine"}, {"name": "Mine", "query_dsl": OTHER}]
)
def test_audit_repairs_what_was_changed_of_a_segment(twin: Twin, changes: dict[str, str]) -> None:
    scene = audited(twin)
    twin.clock.advance(600)
    assert twin.call("PATCH", f"{SEGMENTS}/{own_segment(scene)}", changes).status_code == 200
    twin.clock.advance(600)
    scene.request = {"repair_segments": True}
    messages = finished(twin, scene)["segments"]
    assert [message.endswith("It is repaired") for message in messages] == [True] * len(changes)
    segment = twin.call("GET", f"{SEGMENTS}/{own_segment(scene)}").json()
    assert segment["name"] == "High value users"
    assert segment["query_dsl"] == segment_query("lytics_segments", HIGH_VALUE)


def test_repair_within_five_minutes_of_a_change_says_so(twin: Twin) -> None:
    scene = audited(twin)
    twin.clock.advance(600)
    assert twin.call("PATCH", f"{SEGMENTS}/{own_segment(scene)}", {"query_dsl": OTHER}).status_code == 200
    scene.request = {"repair_segments": True}
    scene.account = audited_sendgrid_at(twin.twin.url, "SG.full", ManualClock(twin.clock()))
    (message,) = finished(twin, scene)["segments"]
    assert "SendGrid refuses to change a segment for five minutes" in message


@pytest.mark.parametrize("is_recorded", [False, True])
def test_audit_makes_a_deleted_segment_again_once(twin: Twin, is_recorded: bool) -> None:
    scene = audited(twin)
    former = own_segment(scene)
    twin.call("DELETE", f"{SEGMENTS}/{former}")
    scene.request = {"repair_segments": True}
    if not is_recorded:
        put = scene.exports.put_account

        def crash(account: Account, read_version: int) -> None:
            if account.audiences[HIGH_VALUE].segment_id != former:
                scene.exports.put_account = put  # type: ignore[method-assign]
                raise ConfigurationChanged("the function died")
            put(account, read_version)

        scene.exports.put_account = crash  # type: ignore[method-assign]
        with pytest.raises(ConfigurationChanged):
            scene.call()
    (message,) = finished(twin, scene)["segments"]
    assert message.endswith("It is repaired")
    (segment,) = twin.call("GET", SEGMENTS).json()["results"]
    assert (segment["id"], segment["name"]) == (own_segment(scene), "High value users")
    assert own_segment(scene) != former
    assert scene.exports.account("default").audiences[HIGH_VALUE].made


def test_audit_names_the_list_of_a_segment_and_cannot_move_it(twin: Twin) -> None:
    scene = audited(twin)
    twin.twin.move_segment(own_segment(scene), twin.twin.add_list("News"))
    scene.request = {"repair_segments": True}
    (message,) = finished(twin, scene)["segments"]
    assert "is on the list 'News', not on all contacts" in message
    assert message.endswith("SendGrid cannot move a segment: delete it there, then repair it")
    # What the message says can be done.
    twin.call("DELETE", f"{SEGMENTS}/{own_segment(scene)}")
    scene.walks.put_walk(RUN, TASK, AuditState().document(), 0, finished=False)
    (message,) = finished(twin, scene)["segments"]
    assert message.endswith("It is repaired")
    segment = twin.call("GET", f"{SEGMENTS}/{own_segment(scene)}").json()
    assert not segment["parent_list_ids"]
