"""What an audit says of an export's segments, and how it repairs them."""

import math
from dataclasses import replace

import pytest

from lytics_sendgrid.domain.configuration import Account, Audience, AudienceState, ProvisionedAudience
from lytics_sendgrid.errors import ConfigurationChanged, RequestRefused, Throttled
from lytics_sendgrid.sendgrid.resources import Segment, segment_query
from tests.newsletter import HIGH_VALUE, NEWSLETTER, READERS
from tests.unit.functions.audit.audit_scene import QUERY, Scene

OTHER_QUERY = "SELECT 1"


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.ready(contacts=0)
    return scene


def repaired(scene: Scene) -> list[str]:
    scene.request = {"repair_segments": True}
    messages: list[str] = scene.run()["segments"]
    return messages


@pytest.mark.parametrize("repair_segments", [False, True])
def test_deleted_segment_is_named_and_repaired_only_on_request(scene: Scene, repair_segments: bool) -> None:
    scene.sendgrid.all_segments.pop("s1")
    scene.request = {"repair_segments": repair_segments}
    (message,) = scene.run()["segments"]
    assert "the segment of 'High value users' was deleted in SendGrid" in message
    account = scene.exports.account("default")
    present = account.audiences[HIGH_VALUE]
    if repair_segments:
        assert message.endswith("It is repaired")
        assert (present.segment_id, present.made) == ("s9", True)
        assert account.segments_begun == frozenset()
        assert account.written_s == math.floor(scene.clock.now_s)
    else:
        assert '"repair_segments": true' in message
        assert (present.segment_id, account.version) == ("s1", 3)


def test_repair_that_died_before_it_was_recorded_is_finished(scene: Scene) -> None:
    scene.sendgrid.all_segments.pop("s1")
    put = scene.exports.put_account

    def changed_meanwhile(account: Account, read_version: int) -> None:
        if account.audiences[HIGH_VALUE].segment_id == "s9":
            scene.exports.put_account = put  # type: ignore[method-assign]
            raise ConfigurationChanged("another run wrote it")
        put(account, read_version)

    scene.exports.put_account = changed_meanwhile  # type: ignore[method-assign]
    scene.request = {"repair_segments": True}
    with pytest.raises(ConfigurationChanged):
        scene.call()
    # If nothing audits it again, the next start finds the segment, and knows that this product made it.
    assert scene.exports.account("default").segments_begun == {HIGH_VALUE}
    (message,) = repaired(scene)
    assert message.endswith("It is repaired")
    account = scene.exports.account("default")
    present = account.audiences[HIGH_VALUE]
    assert (present.segment_id, present.made, account.segments_begun) == ("s9", True, frozenset())
    assert scene.sendgrid.calls == ["create High value users", "export"]


def test_nothing_is_created_if_the_configuration_changed_meanwhile(scene: Scene) -> None:
    scene.sendgrid.all_segments.pop("s1")
    scene.request = {"repair_segments": True}
    account = scene.exports.account
    scene.exports.account = lambda name: replace(account(name), version=2)  # type: ignore[method-assign]
    with pytest.raises(ConfigurationChanged):
        scene.call()
    assert scene.sendgrid.calls == []


def test_segment_that_a_person_made_again_is_adopted(scene: Scene) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s2", "High value users", None, QUERY)
    scene.sendgrid.all_segments = {"s2": scene.sendgrid.all_segments["s1"]}
    (message,) = repaired(scene)
    assert message.endswith("It is repaired")
    present = scene.exports.account("default").audiences[HIGH_VALUE]
    assert (present.segment_id, present.made) == ("s2", False)
    assert scene.sendgrid.calls == ["export"]


@pytest.mark.parametrize(("query", "list_id"), [(OTHER_QUERY, None), (QUERY, "l1")])
def test_other_segment_with_the_name_is_left_alone(scene: Scene, query: str, list_id: str | None) -> None:
    scene.sendgrid.all_segments = {"s2": Segment("s2", "HIGH value users", list_id, query)}
    (message,) = repaired(scene)
    assert "It could not be repaired: SendGrid has another segment 'HIGH value users'" in message
    assert message.endswith("rename that segment in SendGrid, then resync again")
    assert scene.exports.account("default").audiences[HIGH_VALUE].segment_id == "s1"
    assert scene.sendgrid.calls == ["export"]


def test_segment_that_is_listed_late_is_found_when_its_name_is_refused(scene: Scene) -> None:
    scene.sendgrid.all_segments = {"s2": Segment("s2", "High value users", None, QUERY)}
    listed = scene.sendgrid.segments
    lists = iter([(), ()])
    scene.sendgrid.segments = lambda: next(lists, listed())  # type: ignore[method-assign]
    (message,) = repaired(scene)
    assert message.endswith("It is repaired")
    assert scene.exports.account("default").audiences[HIGH_VALUE].segment_id == "s2"


@pytest.mark.parametrize("is_changed_too", [False, True])
def test_renamed_segment_gets_its_name_back(scene: Scene, is_changed_too: bool) -> None:
    query = OTHER_QUERY if is_changed_too else QUERY
    scene.sendgrid.all_segments["s1"] = Segment("s1", "Mine", None, query)
    messages = repaired(scene)
    assert "the segment of 'High value users' was renamed to 'Mine' in SendGrid. It is repaired" in messages
    assert len(messages) == 1 + is_changed_too
    assert scene.sendgrid.all_segments["s1"] == Segment("s1", "High value users", None, QUERY)
    # One request: SendGrid refuses a second change within five minutes.
    assert len(scene.sendgrid.calls) == 2
    assert scene.exports.account("default").version == 3


def test_changed_query_is_repaired_though_the_name_is_taken(scene: Scene) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s1", "Mine", None, OTHER_QUERY)
    scene.sendgrid.all_segments["s2"] = Segment("s2", "High value users", None, OTHER_QUERY)
    query, name = repaired(scene)
    assert query.startswith("the query of the segment 'Mine' was changed in SendGrid")
    assert query.endswith("It is repaired")
    assert name.endswith("It could not be repaired: a segment of this name already exists")
    assert scene.sendgrid.all_segments["s1"] == Segment("s1", "Mine", None, QUERY)


def test_renamed_segment_is_named_without_repair(scene: Scene) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s1", "Mine", None, QUERY)
    (message,) = scene.run()["segments"]
    assert message == (
        "the segment of 'High value users' was renamed to 'Mine' in SendGrid. "
        'Resync with "audit": true and "repair_segments": true'
    )


@pytest.mark.parametrize("segment", ["High value users", "VIPs"])
def test_audience_renamed_in_lytics_is_no_change_in_sendgrid(scene: Scene, segment: str) -> None:
    scene.request = {"audiences": (Audience(HIGH_VALUE, "VIPs", "vips"),)}
    scene.sendgrid.all_segments["s1"] = Segment("s1", segment, None, QUERY)
    assert scene.run()["segments"] == []


def test_segment_on_another_list_is_named_and_left_as_it_is(scene: Scene) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s1", "High value users", "l1", QUERY)
    (message,) = repaired(scene)
    assert "is on the list 'News', not on all contacts" in message
    assert "delete it there, then repair it" in message
    assert scene.sendgrid.calls == ["export"]


def test_segment_on_a_list_that_is_gone_is_reported(scene: Scene) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s1", "High value users", "l7", QUERY)
    (message,) = scene.run()["segments"]
    assert "on a list that SendGrid does not have any more (l7), not on all contacts" in message


def other_export(scene: Scene, stopped_s: int | None = None) -> None:
    """Let another export of the account have an audience, whose segment has another query."""
    readers = Audience(READERS, "Readers", "readers")
    scene.exports.put_export(
        replace(NEWSLETTER, name="other", audiences=(readers,), stopped_s=stopped_s, version=3)
    )
    account = scene.exports.account("default")
    state = AudienceState.LIVE if stopped_s is None else AudienceState.STOPPED
    provisioned = ProvisionedAudience("lytics_segments", "s3", None, ("other",), state=state)
    scene.exports.put_account(replace(account.with_audience(READERS, provisioned), version=4), 3)
    scene.sendgrid.all_segments["s3"] = Segment("s3", "Readers", None, OTHER_QUERY)


def test_segments_of_every_live_export_of_the_account_are_checked(scene: Scene) -> None:
    other_export(scene)
    (message,) = repaired(scene)
    assert message.startswith("the query of the segment 'Readers' was changed in SendGrid")
    assert message.endswith("It is repaired")
    assert scene.sendgrid.all_segments["s3"].query == segment_query("lytics_segments", READERS)


def test_name_that_any_export_knows_is_no_change(scene: Scene) -> None:
    vips = Audience(HIGH_VALUE, "VIPs", "vips")
    scene.exports.put_export(replace(NEWSLETTER, name="other", audiences=(vips,), version=3))
    account = scene.exports.account("default")
    provisioned = replace(account.audiences[HIGH_VALUE], exports=("newsletter", "other"))
    scene.exports.put_account(replace(account.with_audience(HIGH_VALUE, provisioned), version=4), 3)
    scene.sendgrid.all_segments["s1"] = Segment("s1", "VIPs", None, QUERY)
    assert scene.run()["segments"] == []


def test_segments_of_a_stopped_export_are_left_as_they_are(scene: Scene) -> None:
    other_export(scene, stopped_s=5)
    assert scene.run()["segments"] == []


@pytest.mark.parametrize(
    ("segment", "repair", "is_wrong"),
    [
        (Segment("s1", "High value users", None, OTHER_QUERY), False, True),
        (Segment("s1", "High value users", None, OTHER_QUERY), True, False),
        (Segment("s1", "High value users", "l1", QUERY), True, True),
        (Segment("s1", "Mine", None, QUERY), False, False),
    ],
)
def test_segment_that_still_shows_other_people_is_a_trouble(
    scene: Scene, segment: Segment, repair: bool, is_wrong: bool
) -> None:
    scene.sendgrid.all_segments["s1"] = segment
    scene.request = {"repair_segments": repair}
    document = scene.run()
    (message,) = document["segments"]
    assert document["wrong"] == ([["High value users", message]] if is_wrong else [])


@pytest.mark.parametrize("is_deleted", [False, True])
def test_repair_that_is_refused_is_reported(scene: Scene, is_deleted: bool) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s1", "High value users", None, OTHER_QUERY)
    if is_deleted:
        scene.sendgrid.all_segments.pop("s1")
    scene.sendgrid.refusal = RequestRefused("SendGrid answered 400")
    (message,) = repaired(scene)
    assert message.endswith("It could not be repaired: SendGrid answered 400")


def test_repair_that_comes_too_soon_says_when_to_repeat_it(scene: Scene) -> None:
    scene.sendgrid.all_segments["s1"] = Segment("s1", "High value users", None, OTHER_QUERY)

    def too_soon(segment_id: str, *, name: str | None, query: str | None) -> None:
        raise Throttled("too soon", 2.0)

    scene.sendgrid.change_segment = too_soon  # type: ignore[method-assign]
    (message,) = repaired(scene)
    assert message.endswith(
        "It could not be repaired: SendGrid refuses to change a segment for five minutes after its last "
        "change. Resync again after that"
    )


def test_audience_that_is_not_provisioned_has_no_segment_to_check(scene: Scene) -> None:
    scene.request = {"audiences": (Audience(READERS, "Readers", "readers"),)}
    assert scene.run()["segments"] == []
