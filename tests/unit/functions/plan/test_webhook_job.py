"""A webhook job that does not run is noticed before anything is made."""

from dataclasses import replace

import pytest

from functions.plan.webhook_job import stopped_job
from lytics_sendgrid.lytics.documents import LyticsJob
from tests.newsletter import NEWSLETTER

STOPPED = replace(NEWSLETTER, stopped_s=1)


def job(status: str) -> LyticsJob:
    return LyticsJob("j1", "Our job", "webhook_triggers", status, {}, (), {})


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("failed", "restart the job in Lytics (bounce)"),
        ("paused", "is paused: resume it in Lytics"),
        ("pausing", "is pausing: resume it in Lytics"),
    ],
)
def test_job_that_does_not_run_is_a_fault_by_its_name(status: str, text: str) -> None:
    (fault,), notes = stopped_job(job(status), NEWSLETTER, subscribe=True)
    assert fault.startswith("Lytics' webhook job 'Our job' (j1) ")
    assert text in fault
    assert notes == []
    assert stopped_job(job(status), NEWSLETTER, subscribe=False) == ([], [fault])


def test_job_that_runs_or_is_missing_is_no_fault() -> None:
    for present in (None, job("running"), job("sleeping"), job("initializing")):
        assert stopped_job(present, NEWSLETTER, subscribe=True) == ([], [])


def test_job_of_a_stopped_export_is_resumed_unless_it_failed() -> None:
    faults, (note,) = stopped_job(job("paused"), STOPPED, subscribe=True)
    assert faults == []
    assert "This run resumes it" in note
    assert stopped_job(job("failed"), STOPPED, subscribe=True)[0] != []
    assert stopped_job(job("paused"), None, subscribe=True)[0] != []
