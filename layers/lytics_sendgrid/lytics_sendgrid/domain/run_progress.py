"""How far a run is, from its items in the exports table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lytics_sendgrid.domain.checkpoint import Checkpoint, checkpoint_from, expected_numbers

_OUR_COUNTS: Final = ("confirmed", "rejected", "refreshed", "parked", "unread")


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is: what ``deliver`` committed, and how its import jobs ended.

    Attributes:
        numbers: of the committed messages.
        jobs: import jobs that carried the run's changes.
        ended: the jobs that ``confirm`` followed to their end, with their outcome.
        counts: the sums of what ``deliver`` counted: ``accepted``, ``unchanged``, ``rejected.<reason>``. A
            message that was delivered twice may be counted twice.
        again: numbers of the messages that send contacts of an ended job again.
        expected: numbers of all messages that the run queued: its scans, and its walks through the ledger.
        scans: the checkpoint of each audience's scan, by the audience's id.
    """

    numbers: frozenset[str]
    jobs: frozenset[str]
    ended: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, int] = field(default_factory=dict)
    again: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()
    scans: Mapping[str, Checkpoint] = field(default_factory=dict)


def progress_from(items: Iterable[tuple[str, dict[str, Any]]]) -> RunProgress:
    """Return how far a run is.

    Args:
        items: the sort key and the document of each item of the run, see ``tables/exports.py``.
    """
    numbers: set[str] = set()
    jobs: set[str] = set()
    followed: dict[str, list[dict[str, Any]]] = {}
    counts: Counter[str] = Counter()
    expected: set[str] = set()
    scans: dict[str, Checkpoint] = {}
    for sk, document in items:
        kind, _, name = sk.partition("#")
        if kind in {"done", "started"}:
            numbers.update(document["numbers"])
            jobs.update(document["jobs"])
            counts.update(document.get("counts", {}))
        elif kind == "job":
            followed.setdefault(name.rpartition("#")[0], []).append(document)
        elif kind == "scan":
            scans[name] = checkpoint_from(document)
            expected |= scans[name].numbers
        elif kind == "walk":
            expected |= expected_numbers(document["expected"])
    ended = {job: _whole(parts) for job, parts in followed.items() if len(parts) == parts[0]["parts"]}
    again = frozenset(number for outcome in ended.values() for number in outcome["again"])
    return RunProgress(frozenset(numbers), frozenset(jobs), ended, counts, again, frozenset(expected), scans)


def _whole(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge the parts of an ended job. SendGrid's counts are the whole job's; ours are one part's.

    A row that matches no contact of one part may belong to another part. So only all parts together show
    whether rows are left over.
    """
    whole = parts[0] | {name: sum(part.get(name, 0) for part in parts) for name in _OUR_COUNTS}
    read = whole["rejected"] + sum(part.get("no_room", 0) for part in parts)
    if whole["status"] == "errored" and read < whole.get("errored", 0):
        whole["unread"] = max(whole["unread"], 1)
    return whole | {"again": [number for part in parts for number in part.get("again", ())]}
