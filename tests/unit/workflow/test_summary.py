"""What the list of exports keeps of a configuration and of a run."""

from dataclasses import replace

from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.workflow.run_record import RunRecord
from lytics_sendgrid.workflow.summary import configured, last_run
from tests.newsletter import NEWSLETTER


def test_few_names_of_many_audiences_are_kept() -> None:
    audiences = tuple(Audience(f"{number:032x}", "n" * 900, "slug") for number in range(200))
    part = configured(replace(NEWSLETTER, audiences=audiences, stopped_s=5))
    assert (part["audiences"], part["audiences_count"]) == (["n" * 200] * 20, 200)
    assert (part["authorization"], part["stopped_s"]) == ("default", 5)


def test_a_run_has_sums_instead_of_audiences() -> None:
    counts = [{"id": "a", "lytics": 4}, {"id": "b", "lytics": 5}]
    record = RunRecord.read({"run": "r1", "started_at": "2026-11-26T02:00:00Z", "audiences": counts})
    assert last_run(record) == {
        "run": "r1",
        "started_at": "2026-11-26T02:00:00Z",
        "lytics": 9,
        "sendgrid": None,
    }
