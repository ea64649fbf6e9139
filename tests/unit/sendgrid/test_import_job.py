"""An import job's answer is read leniently, because real ones differ from the description."""

from typing import Any

import pytest

from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.sendgrid.import_job import Job, job_from


def test_a_pending_job_may_have_no_counts_at_all() -> None:
    assert job_from({"id": "j", "status": "pending", "job_type": "upsert_contacts"}) == Job("pending")


def test_an_ended_job_has_its_counts_its_errors_and_its_end() -> None:
    counts = {"requested": 6, "created": 3, "updated": 2, "errored": 1}
    document = {
        "status": " Errored ",
        "results": {**{f"{name}_count": count for name, count in counts.items()}, "errors_url": "https://e"},
        "finished_at": "2026-11-23T10:00:30.5Z",
    }
    job = job_from(document)
    assert job == Job("errored", counts, "https://e", job.finished_s)
    assert job.took_s(sent_ms=int((job.finished_s or 0) * 1000) - 30_000, waited_s=500) == pytest.approx(30)


def test_a_job_that_has_completed_and_counts_failed_rows_has_errored() -> None:
    document = {"status": "Completed", "results": {"errored_count": 1}}
    assert job_from(document).status == "errored"
    assert job_from({**document, "results": {"errored_count": 0}}).status == "completed"


def test_without_an_end_it_took_at_most_as_long_as_we_waited() -> None:
    assert Job("completed").took_s(sent_ms=1, waited_s=77.5) == 77.5


@pytest.mark.parametrize("document", [None, [], "pending", {}, {"status": 3}, {"status": ""}])
def test_what_is_no_job_is_asked_for_again(document: Any) -> None:
    with pytest.raises(RetryLater, match="something else"):
        job_from(document)


@pytest.mark.parametrize(
    "results",
    [None, [], {"created_count": "3"}, {"created_count": True}, {"errors_url": 3}, {"errors_url": ""}],
)
def test_counts_of_another_type_are_left_out(results: Any) -> None:
    assert job_from({"status": "completed", "results": results, "finished_at": "soon"}) == Job("completed")
