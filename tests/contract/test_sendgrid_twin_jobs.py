"""How the SendGrid twin processes and reports import jobs."""

import csv
from collections.abc import Iterator
from itertools import pairwise

import pytest
import requests

from tests.contract.sendgrid_scene import CONTACTS, UNKNOWN_ID, Scene, scene_of
from tests.local.sendgrid_twin.options import Fault, FaultKind, Options

ANN, BOB = {"email": "ann@example.com"}, {"email": "bob@example.com"}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of(Options(job_report_lag_s=30)) as scene:
        yield scene


def test_counts_are_absent_before_the_job_is_applied(scene: Scene) -> None:
    job = scene.job(scene.put(ANN).json()["job_id"])
    assert (job["status"], job["job_type"], job["results"]) == (
        "pending",
        "upsert_contacts",
        {"requested_count": 1},
    )
    assert "finished_at" not in job


def test_applied_job_still_reports_pending(scene: Scene) -> None:
    job_id = scene.put(ANN).json()["job_id"]
    scene.clock.advance(1)
    job = scene.job(job_id)
    assert (job["status"], job["results"]["created_count"]) == ("pending", 1)
    assert "finished_at" not in job
    scene.clock.advance(30)
    job = scene.job(job_id)
    assert job["status"] == "completed"
    assert job["finished_at"] > job["started_at"]


def test_unknown_job_is_not_found(scene: Scene) -> None:
    assert scene.call("GET", f"{CONTACTS}/imports/{UNKNOWN_ID}").status_code == 404


def test_finished_job_can_be_forgotten() -> None:
    with scene_of(Options(job_ttl_s=60)) as scene:
        job_id = scene.put(ANN).json()["job_id"]
        scene.twin.settle()
        assert scene.job(job_id)["status"] == "completed"
        scene.clock.advance(61)
        assert scene.call("GET", f"{CONTACTS}/imports/{job_id}").status_code == 404


def test_jobs_are_applied_in_the_order_of_requests(scene: Scene) -> None:
    scene.put({**ANN, "first_name": "First"})
    scene.put({**ANN, "first_name": "Second"})
    scene.twin.settle()
    assert scene.contact("ann@example.com")["first_name"] == "Second"


def test_jitter_applies_jobs_in_any_order() -> None:
    landed = set()
    for seed in range(20):
        with scene_of(Options(job_jitter_s=10), seed=seed) as scene:
            scene.put({**ANN, "first_name": "First"})
            scene.put({**ANN, "first_name": "Second"})
            scene.twin.settle()
            landed.add(scene.contact("ann@example.com")["first_name"])
    assert landed == {"First", "Second"}


def test_late_job_overwrites_a_newer_one() -> None:
    with scene_of(None, Fault(kind=FaultKind.JOB_LATE, max_count=1, seconds=60)) as scene:
        scene.put({**ANN, "first_name": "First"})
        scene.put({**ANN, "first_name": "Second"})
        scene.clock.advance(1)
        assert scene.contact("ann@example.com")["first_name"] == "Second"
        scene.clock.advance(60)
        assert scene.contact("ann@example.com")["first_name"] == "First"


def test_parts_of_a_job_are_applied_one_by_one() -> None:
    with scene_of(Options(job_parts=4, job_jitter_s=100, job_report_lag_s=0)) as scene:
        job_id = scene.put(*({"email": f"p{number}@example.com"} for number in range(8))).json()["job_id"]
        seen = []
        for _ in range(110):
            scene.clock.advance(1)
            seen.append((len(scene.emails()), scene.job(job_id)["status"]))
    sizes = [size for size, _ in seen]
    assert {2, 4, 6, 8} & set(sizes) >= {8}
    assert len(set(sizes)) > 2
    assert all(one <= other for one, other in pairwise(sizes))
    assert {status for size, status in seen if size < 8} == {"pending"}
    assert seen[-1] == (8, "completed")


def test_failed_job_applies_nothing() -> None:
    with scene_of(None, Fault(kind=FaultKind.JOB_FAILED, max_count=1)) as scene:
        job = scene.applied(ANN, BOB)
        assert (job["status"], job["results"]) == ("failed", {"requested_count": 2, "errored_count": 2})
        assert scene.emails() == []
        assert scene.applied(ANN)["status"] == "completed"


def test_errored_job_applies_the_rest_and_has_an_errors_file() -> None:
    with scene_of(None, Fault(kind=FaultKind.JOB_ERRORED, share=0.25)) as scene:
        job = scene.applied(*({"email": f"p{number}@example.com"} for number in range(8)))
        assert job["status"] == "errored"
        assert (job["results"]["created_count"], job["results"]["errored_count"]) == (6, 2)
        rows = list(csv.DictReader(requests.get(job["results"]["errors_url"], timeout=5).text.splitlines()))
        assert [list(row) for row in rows] == [["email", "error"]] * 2
        assert {row["email"] for row in rows}.isdisjoint(scene.emails())


def test_errors_file_refuses_requests_with_the_api_key() -> None:
    with scene_of(None, Fault(kind=FaultKind.JOB_ERRORED)) as scene:
        url = scene.applied(ANN, BOB)["results"]["errors_url"]
        assert requests.get(url, timeout=5).status_code == 200
        assert requests.get(url, timeout=5, headers={"Authorization": "Bearer SG.full"}).status_code == 400
        assert requests.get(url.partition("?")[0], timeout=5).status_code == 403


def test_columns_of_the_errors_file_are_an_option() -> None:
    with scene_of(Options(errors_header=("ERROR", "EMAIL"), fail_emails="ann")) as scene:
        url = scene.applied(ANN, BOB)["results"]["errors_url"]
        assert requests.get(url, timeout=5).text.splitlines() == [
            "ERROR,EMAIL",
            "the contact could not be processed,ann@example.com",
        ]


@pytest.mark.parametrize(("work", "emails"), [("before", ["ann@example.com"]), ("never", [])])
def test_job_that_never_ends_stays_pending(work: str, emails: list[str]) -> None:
    with scene_of(None, Fault.of({"kind": "job_never_ends", "work": work})) as scene:
        job_id = scene.put(ANN).json()["job_id"]
        scene.clock.advance(1_000_000)
        assert scene.job(job_id)["status"] == "pending"
        assert scene.emails() == emails


def test_job_over_the_contact_limit_fails() -> None:
    with scene_of(Options(contact_limit=1)) as scene:
        assert scene.applied(ANN)["status"] == "completed"
        assert scene.applied({**ANN, "first_name": "Ann"})["status"] == "completed"
        failed = scene.applied(BOB)
        assert failed["status"] == "failed"
        file = requests.get(failed["results"]["errors_url"], timeout=10).text
        assert "bob@example.com" in file
        assert "you have hit your contact limit" in file


def test_contacts_are_deleted_by_a_job(scene: Scene) -> None:
    scene.applied(ANN, BOB)
    ann = scene.contact("ann@example.com")["id"]
    answer = scene.call("DELETE", CONTACTS, params={"ids": ann})
    assert answer.status_code == 202
    assert scene.emails() == ["ann@example.com", "bob@example.com"]
    scene.twin.settle()
    assert scene.emails() == ["bob@example.com"]
    job = scene.job(answer.json()["job_id"])
    assert (job["job_type"], job["results"]["deleted_count"]) == ("delete_contacts", 1)
    assert scene.call("DELETE", CONTACTS).status_code == 400
    scene.call("DELETE", CONTACTS, params={"delete_all_contacts": "true"})
    scene.twin.settle()
    assert scene.emails() == []
