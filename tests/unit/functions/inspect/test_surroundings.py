"""What keeps a segment from being right although nothing is wrong with the person."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from functions.inspect.differences import differences
from functions.inspect.surroundings import Surroundings, look_around, obstacles, removed_audiences
from lytics_sendgrid.domain.configuration import AudienceState, ProvisionedAudience
from lytics_sendgrid.errors import KeyRefused, ServiceUnavailable
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.sendgrid.resources import Segment, segment_query
from tests.doubles.lytics import LyticsInMemory
from tests.doubles.sendgrid import SendGridInMemory
from tests.unit.functions.inspect.person_scene import ACCOUNT, AGREED, EXPORT, FIRST, LYTICS, SECOND

OLD = "3" * 32
RIGHT = Segment("s1", "First", None, segment_query("lytics_segments", FIRST))


URL = "https://hooks.example.com/lytics/news"


def job(status: str, identity: str = "j1", url: str = "") -> LyticsJob:
    return LyticsJob(identity, "Webhooks", "webhook_triggers", status, {"webhook_url": url}, (), {})


def around(
    segments: Sequence[Segment] | Exception,
    jobs: Sequence[LyticsJob] | Exception,
    lytics_job: str | None = "j1",
) -> Surroundings:
    sendgrid, lytics = SendGridInMemory(), LyticsInMemory()
    if isinstance(segments, Exception):
        sendgrid.refusals["find_segment"] = segments
    else:
        sendgrid.all_segments = [*segments]
    if isinstance(jobs, Exception):
        lytics.refusals["jobs"] = jobs
    else:
        lytics.all_jobs = tuple(jobs)
    export = replace(EXPORT, lytics_job=lytics_job)
    return look_around(export, ACCOUNT, (FIRST, OLD), sendgrid, lytics, url=URL, is_deliver_paused=False)


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
    found = around([RIGHT], jobs)
    assert found == Surroundings(status, False, {FIRST: RIGHT}, "j1" if status else "")


@pytest.mark.parametrize(
    ("jobs", "status", "found"),
    [
        ([job("running", "theirs", "https://other.example.com/lytics/news")], "", ""),
        ([job("paused", "hand", URL)], "paused", "hand"),
        ([job("running", "hand", URL)], "running", "hand"),
        ([job("deleted", "hand", URL)], "", ""),
        (KeyRefused("403", lacks_permission=True), None, ""),
    ],
)
def test_job_that_a_person_made_is_found_by_its_url(
    jobs: Sequence[LyticsJob] | Exception, status: str | None, found: str
) -> None:
    around_it = around([], jobs, lytics_job=None)
    assert around_it == Surroundings(status, False, {FIRST: None}, found)


def test_job_that_a_person_made_is_reported_if_it_is_paused_or_gone() -> None:
    export = replace(EXPORT, lytics_job=None)
    (paused,) = obstacles(export, ACCOUNT, Surroundings("paused", job="hand"))
    assert paused.startswith("The webhook job hand in Lytics is paused, so no events arrive. Resume it")
    (failed,) = obstacles(export, ACCOUNT, Surroundings("failed", job="hand"))
    assert failed.startswith("The webhook job hand in Lytics is failed, so no events arrive. Restart it")
    (gone,) = obstacles(export, ACCOUNT, Surroundings(""))
    assert gone == (
        "Lytics has no webhook job that sends this export's events, so none arrive. Start the export again: "
        "the report says which job to create"
    )


def test_segments_that_cannot_be_read_are_left_out() -> None:
    assert around(ServiceUnavailable("503"), [job("running")]).segments == {}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Surroundings("paused"), "is paused, so no events arrive. Resume it in Lytics, then resync"),
        (Surroundings("failed"), "is failed, so no events arrive. Restart it in Lytics, then resync"),
        (Surroundings(""), "is gone, so no events arrive. Start the export again"),
        (Surroundings(is_deliver_paused=True), "deliver is paused on AWS"),
        (Surroundings(segments={FIRST: None}), "The segment of 'First' was deleted in SendGrid. Resync"),
        (
            Surroundings(segments={FIRST: replace(RIGHT, query="SELECT 1")}),
            "The query of the segment 'First' was changed in SendGrid. Resync",
        ),
    ],
)
def test_each_obstacle_is_reported_first(found: Surroundings, words: str) -> None:
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
def test_nothing_is_reported_if_nothing_is_wrong(found: Surroundings) -> None:
    assert list(obstacles(EXPORT, ACCOUNT, found)) == []


def test_stopped_export_is_reported_and_not_its_paused_job() -> None:
    (sentence,) = obstacles(replace(EXPORT, stopped_s=1_795_000_000), ACCOUNT, Surroundings("paused"))
    assert sentence.startswith("The export was stopped by a person at 2026-11-18T")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (AudienceState.CLEARED, "'Old people' was removed at 2026-11-18T11:06:40Z: its id is taken out"),
        (AudienceState.CLEARED, "its id is taken out of everybody's field, so its segment is empty"),
        (AudienceState.DELETING, "'Old people' was removed at 2026-11-18T11:06:40Z: its id is taken out"),
        (AudienceState.KEPT, "was removed at 2026-11-18T11:06:40Z: its segment keeps the people it had then"),
    ],
)
def test_removed_audience_is_reported_with_its_time(state: AudienceState, words: str) -> None:
    old = ProvisionedAudience("lytics_segments", "s3", None, (), state=state, state_since_s=1_795_000_000)
    found = Surroundings(segments={OLD: Segment("s3", "Old people", None)})
    (sentence,) = removed_audiences(EXPORT, ACCOUNT.with_audience(OLD, old), {OLD: 5, FIRST: 7}, found)
    assert words in sentence


def test_audience_that_is_being_cleared_is_not_called_empty() -> None:
    old = ProvisionedAudience("lytics_segments", "s3", None, (), state=AudienceState.CLEARED)
    account = replace(ACCOUNT.with_audience(OLD, old), to_clear={OLD: 7})
    (sentence,) = removed_audiences(EXPORT, account, {OLD: 5}, Surroundings())
    assert "empty" not in sentence
    assert sentence.endswith(
        "its id is being taken out of everybody's field. A run of the account that is under way, or the next "
        "one, completes that"
    )


def test_removed_audience_whose_segment_is_deleted_is_reported() -> None:
    (sentence,) = removed_audiences(EXPORT, ACCOUNT, {OLD: 5, FIRST: 7, SECOND: -8}, Surroundings())
    assert sentence == (
        f"The audience {OLD} was removed, and its segment is deleted: no export has it any more. The report "
        "of the run that removed it has its name"
    )


def test_removed_audience_without_a_segment_is_named_by_its_id() -> None:
    old = ProvisionedAudience("lytics_segments", "s3", None, (), state=AudienceState.CLEARED)
    (sentence,) = removed_audiences(EXPORT, ACCOUNT.with_audience(OLD, old), {OLD: 5}, Surroundings())
    assert OLD in sentence


def test_audience_that_others_have_or_that_was_left_is_not_reported() -> None:
    others = ProvisionedAudience("lytics_segments", "s3", None, ("shop",))
    account = ACCOUNT.with_audience(OLD, others)
    assert list(removed_audiences(EXPORT, account, {OLD: 5, SECOND: -8, "4" * 32: -6}, Surroundings())) == []
    cleared = ACCOUNT.with_audience(OLD, replace(others, state=AudienceState.CLEARED))
    assert list(removed_audiences(EXPORT, cleared, {OLD: -5}, Surroundings())) == []


def test_resync_that_takes_a_ghost_out_is_named() -> None:
    gone = replace(LYTICS, audience_ids=frozenset(), audience_slugs=frozenset())
    sentence = differences(replace(AGREED, lytics=gone))[0]
    assert sentence.endswith('start a resync with {"action": "resync", "export": "news"}')
