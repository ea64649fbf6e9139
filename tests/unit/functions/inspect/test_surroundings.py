"""What keeps a segment from being right although nothing is wrong with the person."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from functions.inspect.differences import differences
from functions.inspect.surroundings import Surroundings, look_around, obstacles, removed_audiences
from lytics_sendgrid.domain.configuration import AudienceState, ProvisionedAudience
from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.sendgrid.resources import Segment, segment_query
from tests.unit.functions.inspect.person_scene import ACCOUNT, AGREED, EXPORT, FIRST, LYTICS, SECOND

OLD = "3" * 32
RIGHT = Segment("s1", "First", None, segment_query("lytics_segments", FIRST))


class Vendors:
    """SendGrid's segments and Lytics' jobs, or an error."""

    def __init__(
        self, segments: dict[str, Segment] | Exception, jobs: Sequence[LyticsJob] | Exception = ()
    ) -> None:
        self._segments = segments
        self._jobs = jobs

    def find_segment(self, segment_id: str) -> Segment | None:
        if isinstance(self._segments, Exception):
            raise self._segments
        return self._segments.get(segment_id)

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]:
        if isinstance(self._jobs, Exception):
            raise self._jobs
        return self._jobs


def job(status: str) -> LyticsJob:
    return LyticsJob("j1", "Webhooks", "webhook_triggers", status, {}, (), {})


def around(vendors: Vendors, **changes: str | None) -> Surroundings:
    export = replace(EXPORT, lytics_job=changes.get("lytics_job", "j1"))
    return look_around(export, ACCOUNT, (FIRST, OLD), vendors, vendors, is_delivery_paused=False)


@pytest.mark.parametrize(
    ("jobs", "status"),
    [
        ([job("running")], "running"),
        ([job("paused")], "paused"),
        ([job("deleted")], ""),
        ([], ""),
        (ServiceUnavailable("503"), None),
    ],
)
def test_status_of_the_webhook_job_is_read(jobs: Sequence[LyticsJob] | Exception, status: str | None) -> None:
    assert around(Vendors({"s1": RIGHT}, jobs)) == Surroundings(status, False, {FIRST: RIGHT})


def test_export_without_a_job_of_ours_has_no_status() -> None:
    assert around(Vendors({}), lytics_job=None) == Surroundings(None, False, {FIRST: None})


def test_segments_that_cannot_be_read_are_left_out() -> None:
    assert around(Vendors(ServiceUnavailable("503"), [job("running")])).segments == {}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Surroundings("paused"), "is paused, so no events arrive. Resume it in Lytics, then resync"),
        (Surroundings("failed"), "is failed, so no events arrive. Start the export again, then resync"),
        (Surroundings(""), "is gone, so no events arrive. Start the export again"),
        (Surroundings(is_delivery_paused=True), "Delivery is paused on AWS"),
        (Surroundings(segments={FIRST: None}), "The segment of 'First' was deleted in SendGrid. Resync"),
        (
            Surroundings(segments={FIRST: replace(RIGHT, query="SELECT 1")}),
            "The query of the segment 'First' was changed in SendGrid. Resync",
        ),
    ],
)
def test_each_obstacle_is_told_first(found: Surroundings, words: str) -> None:
    (sentence,) = differences(replace(AGREED, surroundings=found))
    assert words in sentence


@pytest.mark.parametrize(
    "found",
    [
        Surroundings(),
        Surroundings("sleeping", segments={FIRST: RIGHT}),
        Surroundings(segments={FIRST: replace(RIGHT, query=None)}),
    ],
)
def test_nothing_is_told_where_nothing_is_wrong(found: Surroundings) -> None:
    assert list(obstacles(EXPORT, ACCOUNT, found)) == []


def test_stopped_export_is_told_and_not_its_paused_job() -> None:
    (sentence,) = obstacles(replace(EXPORT, stopped_s=1_795_000_000), ACCOUNT, Surroundings("paused"))
    assert sentence.startswith("The export was stopped by a person at 2026-11-18T")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (AudienceState.CLEARED, "'Old people' was removed at 2026-11-18T11:06:40Z: its id is taken out"),
        (AudienceState.KEPT, "was removed at 2026-11-18T11:06:40Z: its segment keeps whom it had then"),
    ],
)
def test_removed_audience_is_told_with_its_time(state: AudienceState, words: str) -> None:
    old = ProvisionedAudience("lytics_segments", "s3", None, (), state=state, state_since_s=1_795_000_000)
    found = Surroundings(segments={OLD: Segment("s3", "Old people", None)})
    (sentence,) = removed_audiences(EXPORT, ACCOUNT.with_audience(OLD, old), {OLD: 5, FIRST: 7}, found)
    assert words in sentence


def test_removed_audience_without_a_segment_is_told_by_its_id() -> None:
    old = ProvisionedAudience("lytics_segments", "s3", None, (), state=AudienceState.CLEARED)
    (sentence,) = removed_audiences(EXPORT, ACCOUNT.with_audience(OLD, old), {OLD: 5}, Surroundings())
    assert OLD in sentence


def test_audience_that_others_have_or_that_was_left_is_not_told() -> None:
    others = ProvisionedAudience("lytics_segments", "s3", None, ("shop",))
    account = ACCOUNT.with_audience(OLD, others)
    assert list(removed_audiences(EXPORT, account, {OLD: 5, SECOND: -8, "4" * 32: 6}, Surroundings())) == []
    cleared = ACCOUNT.with_audience(OLD, replace(others, state=AudienceState.CLEARED))
    assert list(removed_audiences(EXPORT, cleared, {OLD: -5}, Surroundings())) == []


def test_ghost_is_told_what_takes_her_out() -> None:
    gone = replace(LYTICS, audience_ids=frozenset(), audience_slugs=frozenset())
    sentence = differences(replace(AGREED, lytics=gone))[0]
    assert sentence.endswith('a resync: start {"action": "resync", "export": "news"}')
