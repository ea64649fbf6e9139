"""How far a run is, from its items."""

from lytics_sendgrid.domain.checkpoint import Checkpoint, checkpoint_document
from lytics_sendgrid.domain.run_progress import progress_from

PART = {"status": "completed", "parts": 1, "rejected": 0}


def test_progress_is_the_union_of_what_was_recorded() -> None:
    scan = checkpoint_document(Checkpoint())
    progress = progress_from(
        [
            ("done#1", {"numbers": ["1"], "jobs": [], "counts": {"unchanged": 2}}),
            ("done#2", {"numbers": ["2"], "jobs": []}),
            ("scan#a", scan),
            ("second#a", scan),
            ("started#1", {"numbers": ["1"], "jobs": ["j1"], "counts": {"unchanged": 1}}),
            ("walk#sweep", {"expected": [["w", 2]]}),
        ]
    )
    assert progress.numbers == {"1", "2"}
    assert progress.jobs == {"j1"}
    assert progress.counts == {"unchanged": 3}
    assert progress.expected == {"w.0", "w.1"}
    assert (list(progress.scans), progress.ended) == (["a"], {})


def test_job_has_ended_when_all_its_parts_have() -> None:
    first = PART | {"parts": 2, "rejected": 1, "again": ["7"]}
    assert progress_from([("job#j1#1", first)]).ended == {}
    progress = progress_from([("job#j1#1", first), ("job#j1#2", PART | {"parts": 2, "rejected": 2})])
    assert progress.ended["j1"]["rejected"] == 3
    assert progress.again == {"7"}


def test_rows_that_no_part_has_read_are_left_over() -> None:
    failed = PART | {"status": "errored", "errored": 3, "rejected": 1, "no_room": 1}
    assert progress_from([("job#j1#1", failed)]).ended["j1"]["unread"] == 1
    assert progress_from([("job#j1#1", failed | {"errored": 2})]).ended["j1"]["unread"] == 0
