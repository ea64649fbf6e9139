"""job_from accepts import jobs that differ from SendGrid's documents, because real ones do."""

from typing import Any

import pytest

from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.sendgrid.import_job import Job, job_from


def test_pending_job_may_have_no_counts() -> None:
    assert job_from({"id": "j", "status": "pending", "job_type": "upsert_contacts"}) == Job("pending")


def test_ended_job_has_counts_errors_url_and_end() -> None:
    counts = {"requested": 6, "created": 3, "updated": 2, "errored": 1}
    document = {
        "status": " Errored ",
        "results": {**{f"{name}_count": count for name, count in counts.items()}, "errors_url": "https://e"},
        "finished_at": "2026-11-23T10:00:30.5Z",
    }
    job = job_from(document)
    assert job == Job("errored", counts, "https://e", job.finished_s)
    assert job.took_s(sent_ms=int((job.finished_s or 0) * 1000) - 30_000, waited_s=500) == pytest.approx(30)


def test_completed_job_with_failed_rows_counts_as_errored() -> None:
    document = {"status": "Completed", "results": {"errored_count": 1}}
    assert job_from(document).status == "errored"
    assert job_from({**document, "results": {"errored_count": 0}}).status == "completed"


def test_job_without_end_took_as_long_as_we_waited() -> None:
    assert Job("completed").took_s(sent_ms=1, waited_s=77.5) == 77.5


@pytest.mark.parametrize(
    "document", [None, [], "pending", {}, {"status": 3}, {"status": ""}, {"status": " "}]
)
def test_other_document_is_retried_later(document: Any) -> None:
    with pytest.raises(RetryLater, match="is not a job"):
        job_from(document)


@pytest.mark.parametrize(
    "results",
    [None, [], {"created_count": "3"}, {"created_count": True}, {"errors_url": 3}, {"errors_url": ""}],
)
def test_counts_of_wrong_type_are_left_out(results: Any) -> None:
    assert job_from({"status": "completed", "results": results, "finished_at": "soon"}) == Job("completed")
    zero = {"status": "completed", "results": results, "finished_at": "0001-01-01T00:00:00Z"}
    assert job_from(zero) == Job("completed")


@pytest.mark.parametrize("status", ["in_progress", "In Progress", "queued", "completed_soon", "unknown"])
@pytest.mark.parametrize("end", [None, "", " ", "0001-01-01T00:00:00Z", 0, False])
def test_undocumented_status_without_end_is_pending(status: str, end: Any) -> None:
    job = job_from({"status": f" {status}\n", "finished_at": end, "results": {"updated_count": 1}})
    assert (job.status, job.undocumented) == ("pending", status.lower())
    assert job.counts == {"updated": 1}


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({"requested": 3, "created": 1, "updated": 2, "errored": 0}, "completed"),
        ({"requested": 3, "created": 1, "updated": 2}, "completed"),
        ({"requested": 3, "updated": 2, "errored": 1}, "errored"),
        ({"requested": 3, "errored": 3}, "failed"),
        ({"requested": 3, "updated": 2}, "failed"),
        ({"requested": 3, "updated": 1, "errored": 1}, "failed"),
        ({"requested": 3, "created": 0, "updated": 0, "errored": 0}, "failed"),
        ({"requested": 0}, "failed"),
        ({"updated": 2}, "failed"),
        ({}, "failed"),
    ],
)
@pytest.mark.parametrize("end", ["2026-11-23T10:00:30Z", "23/11/2026 10:00", 1_795_000_000])
def test_undocumented_end_counts_by_its_results(counts: dict[str, int], status: str, end: Any) -> None:
    results = {f"{name}_count": count for name, count in counts.items()}
    job = job_from({"status": "Done", "finished_at": end, "results": results})
    assert (job.status, job.undocumented, job.counts) == (status, "done", counts)


@pytest.mark.parametrize("status", [" PENDING ", "Completed\n", "\tfailed", "ERRORED"])
def test_case_and_blanks_of_a_documented_status_do_not_matter(status: str) -> None:
    job = job_from({"status": status, "finished_at": None})
    assert (job.status, job.undocumented) == (status.strip().lower(), "")


def test_undocumented_status_is_safe_to_log() -> None:
    assert job_from({"status": "x" * 40}).undocumented == "x" * 40
    for status in ("x" * 41, "waits for ann@example.org", "\U0001f600"):
        assert job_from({"status": status}).undocumented == "?"
