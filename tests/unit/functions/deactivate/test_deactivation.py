"""What stopping an export does in Lytics, and what it writes."""

from dataclasses import replace
from typing import Any, Final

import pytest

from functions.deactivate.deactivation import deactivate
from lytics_sendgrid.domain.configuration import Account, AudienceState, Export, ProvisionedAudience
from lytics_sendgrid.errors import KeyRefused, RequestRefused, ServiceUnavailable
from lytics_sendgrid.lytics.webhook_jobs import JOB_DESCRIPTION, authorization_label
from lytics_sendgrid.workflow.deactivation import Deactivation
from tests.clock import START_S, ManualClock
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.lytics import LyticsJobs

URL: Final = "https://hooks.example.com/v1/lytics/newsletter"
OURS, SHARED = "a" * 32, "b" * 32
EXPORT: Final = Export(
    "newsletter", "default", "acme", 7, "email", (), (), lytics_job="job0", lytics_auth="auth0"
)
SHOP: Final = Export("shop", "default", "acme", 7, "email", (), ())


class Scene:
    """An export with a job and an authorization, an audience of its own, and one that it shares."""

    def __init__(self, export: Export = EXPORT, *others: Export) -> None:
        self.clock = ManualClock()
        self.lytics = LyticsJobs()
        self.lytics.create_header_authorization(authorization_label(URL), {"X-Lytics-Secret": "shown"})
        self.job: dict[str, Any] = {"name": "SendGrid export newsletter", "description": JOB_DESCRIPTION}
        self.job |= {"id": "job0", "auth_ids": ["auth0"], "config": {"webhook_url": URL}}
        self.lytics.add(self.job, "running")
        own = ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",), made=True)
        account = Account(
            "acme",
            7,
            audiences={OURS: own, SHARED: replace(own, exports=("newsletter", "shop"))},
            fields={"newsletter": ("e1_T",), "shop": ("e2_T",)},
        )
        self.exports = exports_table(DynamoDb(), account, export, *(others or (SHOP,)))

    def stop(self, *, clears: bool = False, delete_segments: bool = False) -> Deactivation:
        export = self.exports.export("newsletter")
        assert export is not None
        self.lytics.calls.clear()
        return deactivate(
            export,
            URL,
            self.lytics,
            self.exports,
            self.clock,
            clears=clears,
            delete_segments=delete_segments,
        )

    @property
    def export(self) -> Export:
        export = self.exports.export("newsletter")
        assert export is not None
        return export

    @property
    def account(self) -> Account:
        return self.exports.account("acme")

    def states(self) -> list[AudienceState]:
        return [known.state for known in self.account.audiences.values()]

    def replace_job(self, status: str = "running", **changes: Any) -> None:
        self.lytics.all_jobs.clear()
        self.lytics.add(self.job | changes, status)


def test_stop_pauses_the_job_and_stops_what_no_other_export_has() -> None:
    scene = Scene()
    assert scene.stop() == Deactivation(job="paused", job_id="job0")
    assert [job.status for job in scene.lytics.all_jobs] == ["paused"]
    assert scene.states() == [AudienceState.STOPPED, AudienceState.LIVE]
    assert (scene.export.stopped_s, scene.export.version, scene.account.version) == (int(START_S), 8, 8)
    assert scene.account.written_s == int(START_S)
    assert scene.account.fields.keys() == {"newsletter", "shop"}
    assert scene.account.to_clear == {}


@pytest.mark.parametrize("others", [(replace(SHOP, stopped_s=1),), (replace(SHOP, name="gone"),)])
def test_audience_whose_other_exports_are_stopped_is_stopped(others: tuple[Export, ...]) -> None:
    scene = Scene(EXPORT, *others)
    scene.stop()
    assert scene.states() == [AudienceState.STOPPED, AudienceState.STOPPED]


def test_second_stop_changes_nothing_but_may_clear() -> None:
    scene = Scene()
    scene.stop()
    scene.clock.move(60)
    assert scene.stop() == Deactivation(job="paused", job_id="job0")
    assert (scene.export.stopped_s, scene.account.version) == (int(START_S), 8)
    assert "pause_job" not in scene.lytics.calls
    scene.stop(clears=True)
    assert scene.account.to_clear == {OURS: int(START_S) + 60}
    assert scene.export.stopped_s == int(START_S)


def test_stop_that_clears_keeps_the_job_and_the_segments() -> None:
    scene = Scene()
    assert scene.stop(clears=True).job == "paused"
    own, shared = scene.account.audiences.values()
    assert (own.state, own.exports, own.delete_segment) == (AudienceState.CLEARED, (), False)
    assert (shared.state, shared.exports) == (AudienceState.LIVE, ("shop",))
    assert scene.account.fields == {"shop": ("e2_T",)}


def test_remove_deletes_job_and_authorization() -> None:
    scene = Scene()
    assert scene.stop(clears=True, delete_segments=True) == Deactivation(job="deleted", job_id="job0")
    assert (scene.lytics.all_jobs, scene.lytics.labels) == ([], {})
    assert scene.account.audiences[OURS].delete_segment
    assert (scene.export.lytics_job, scene.export.lytics_auth) == (None, None)
    assert scene.stop(clears=True, delete_segments=True) == Deactivation(job="deleted", job_id=None)


def test_remove_takes_what_the_export_dropped_earlier() -> None:
    scene = Scene()
    scene.stop(clears=True)
    assert scene.account.audiences[OURS].dropped_by == "newsletter"
    kept = replace(scene.account.audiences[OURS], state=AudienceState.KEPT)
    account = replace(scene.account, audiences={**scene.account.audiences, "c" * 32: kept}, version=9)
    scene.exports.put_account(account, 8)
    scene.clock.move(60)
    scene.stop(clears=True)
    assert scene.account.version == 9
    scene.stop(clears=True, delete_segments=True)
    now_s = int(START_S) + 60
    assert scene.account.to_clear == {OURS: int(START_S), "c" * 32: now_s}
    for audience in (OURS, "c" * 32):
        known = scene.account.audiences[audience]
        assert (known.state, known.delete_segment) == (AudienceState.CLEARED, True)
    assert scene.account.audiences[SHARED].exports == ("shop",)


def test_delete_segments_alone_pauses() -> None:
    scene = Scene()
    assert scene.stop(delete_segments=True).job == "paused"
    assert not any(known.delete_segment for known in scene.account.audiences.values())


@pytest.mark.parametrize("removes", [False, True])
def test_job_that_a_person_made_is_left(removes: bool) -> None:
    scene = Scene(replace(EXPORT, lytics_job=None))
    done = scene.stop(clears=removes, delete_segments=removes)
    assert (done.job, done.job_id) == ("left", "job0")
    assert "made by hand" in done.notes[0]
    assert [job.status for job in scene.lytics.all_jobs] == ["running"]
    assert scene.export.stopped_s is not None
    assert scene.lytics.labels


def test_job_that_was_taken_over_is_paused_and_not_deleted() -> None:
    scene = Scene()
    scene.replace_job(description="Made by Ann")
    done = scene.stop(clears=True, delete_segments=True)
    assert (done.job, "paused, not deleted" in done.notes[0]) == ("paused", True)
    assert [job.status for job in scene.lytics.all_jobs] == ["paused"]
    assert scene.export.lytics_job == "job0"


def test_export_without_a_job_is_stopped() -> None:
    scene = Scene()
    scene.lytics.all_jobs.clear()
    assert scene.stop() == Deactivation(job="none", job_id=None)
    assert scene.export.stopped_s is not None


def test_job_that_has_just_gone_is_none() -> None:
    scene = Scene()
    scene.lytics.vanishing = True
    assert scene.stop() == Deactivation(job="none", job_id=None)


def test_failed_job_sends_nothing_and_is_not_touched() -> None:
    scene = Scene()
    scene.replace_job("failed")
    assert "has failed" in scene.stop().notes[0]
    assert "pause_job" not in scene.lytics.calls


@pytest.mark.parametrize("used_by", ["another job", "nobody known", "another label"])
def test_authorization_that_others_may_use_is_left(used_by: str) -> None:
    scene = Scene()
    if used_by == "another job":
        scene.lytics.add({**scene.job, "id": "theirs", "config": {}}, "running")
    elif used_by == "another label":
        scene.lytics.labels["auth0"] = "Shared headers"
    else:
        scene.lytics.delete_header_authorization = lambda authorization_id: False  # type: ignore[method-assign]
    done = scene.stop(clears=True, delete_segments=True)
    assert (done.job, "is left in Lytics" in done.notes[0]) == ("deleted", True)
    assert "auth0" in scene.lytics.labels


def test_deleted_jobs_use_no_authorization() -> None:
    scene = Scene()
    scene.lytics.add({**scene.job, "id": "old", "config": {}}, "completed")
    scene.stop(clears=True, delete_segments=True)
    assert scene.lytics.labels == {}


@pytest.mark.parametrize("error", [KeyRefused("the token is refused"), RequestRefused("no")])
@pytest.mark.parametrize("call", ["jobs", "pause_job"])
def test_export_is_stopped_although_lytics_refuses(error: Exception, call: str) -> None:
    scene = Scene()
    scene.lytics.refusals[call] = error
    done = scene.stop()
    assert (done.job, done.job_id) == ("left", "job0")
    assert f"could not be stopped: {error}. Pause or delete it in Lytics" in done.notes[0]
    assert scene.states()[0] is AudienceState.STOPPED
    assert scene.export.stopped_s is not None


def test_nothing_is_written_while_lytics_does_not_answer() -> None:
    scene = Scene()
    scene.lytics.refusals["pause_job"] = ServiceUnavailable("no answer")
    with pytest.raises(ServiceUnavailable):
        scene.stop()
    assert (scene.export.stopped_s, scene.account.version) == (None, 7)
