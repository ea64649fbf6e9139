"""What each side counts of a run: what its report is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.report.drift import UNKNOWN, Health
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.clearing import Clearing
from lytics_sendgrid.domain.sweep_findings import SweepFindings
from lytics_sendgrid.sendgrid.resources import Segment


@dataclass(frozen=True, slots=True)
class Counted:
    """What each side counts. None: it could not be read, and a note says why.

    Attributes:
        lytics: audience id to the people that Lytics counts in it now.
        segments: SendGrid's segments by id.
        contacts: in the SendGrid account.
        scans: audience id to the checkpoint of its scan.
        counts: what ``deliver`` counted in this run: ``accepted``, ``unchanged``, ``rejected.<reason>``.
        jobs: how each import job ended.
        notes: what could not be read.
        has_job: the export has a webhook job and is not stopped.
        sweep: what the run's sweep found; None: it was not swept.
        health: what may have caused drift.
        audit: what the run's audit found; None: it was not audited.
        clearing: what the run cleared; None: nothing was cleared.
        gone: ids of live audiences whose segments do not exist.
    """

    lytics: Mapping[str, int] | None
    segments: Mapping[str, Segment] | None
    contacts: int | None
    scans: Mapping[str, Checkpoint | None]
    counts: Mapping[str, int]
    jobs: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    has_job: bool = False
    sweep: SweepFindings | None = None
    health: Health = UNKNOWN
    audit: AuditFindings | None = None
    clearing: Clearing | None = None
    gone: frozenset[str] = frozenset()
