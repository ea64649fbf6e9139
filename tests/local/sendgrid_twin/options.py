"""The options, API keys and faults of a SendGrid twin.

A behaviour that SendGrid does not document is an option here. Its default is the harder one for the caller.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, Self, get_args

type Duplicates = Literal["last", "first", "refuse"]
type LongText = Literal["refuse", "error", "truncate"]
type ExportOutcome = Literal["ready", "failure", "pending"]
type Work = Literal["before", "after", "never"]


class Capability(StrEnum):
    """What an API key may do."""

    FULL = "full"
    READ_ONLY = "read-only"
    """Every write is a 403. Its scopes look like those of a full key (seen in 2026)."""
    NO_MARKETING = "no-marketing"
    """The scopes lack `marketing.read`. Every marketing endpoint answers 403."""


DEFAULT_KEYS: Mapping[str, Capability] = {
    "SG.full": Capability.FULL,
    "SG.read-only": Capability.READ_ONLY,
    "SG.no-marketing": Capability.NO_MARKETING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Limits, delays and choices between undocumented behaviours. Times in seconds.

    Attributes:
        job_delay_s: The time from the 202 until the rows are applied.
        job_jitter_s: The maximum random extra delay: jobs are then applied in any order.
        job_parts: The number of parts in which each job is applied, each with its own delay.
        job_report_lag_s: How long an applied job still reports `pending` (recorded: over 30 s).
        job_ttl_s: After this time, a finished job's id is unknown (404); `None` keeps it.
        job_forgotten_s: After this time, an unfinished job's id is unknown (404); `None` keeps it.
        field_delay_s: How long a PUT refuses a new custom field (about 5 s in SendGrid).
        max_rows: The maximum number of contacts in one PUT.
        max_body_bytes: The maximum body size of a PUT: the smaller reading of "6 MB".
        oversize_status: The status for a larger body.
        max_fields: The maximum number of custom fields.
        max_segments: The maximum number of segments.
        contact_limit: The contact limit of the plan. A job that would exceed it fails.
        duplicates: Which of two rows for one address in a PUT wins, or `refuse` to refuse the PUT.
        long_text: Whether a text of over 1,000 characters refuses the PUT, fails its row, or is truncated.
        blank_text_is_stored: Whether `""` clears a Text field; otherwise the field keeps its value.
        named_bad_emails: The maximum number of invalid addresses that one 400 names; `None` names all.
        refuse_emails: A regular expression: the PUT refuses matching addresses, too.
        fail_emails: A regular expression: rows of matching addresses fail in the job, not in the PUT.
        errors_header: The columns of the errors file. A name that contains "mail" is an address column, any
            other an error column.
        limits: Rate limits (count, period in seconds) by `METHOD /path/{template}`; `*` for all others.
        segment_validation_s: How long a new segment's query reports `PENDING`.
        segment_refresh_s: The time between refreshes of a segment's count and members.
        segment_patch_wait_s: How long a segment refuses a PATCH after its creation or last change.
        export_delay_s: The time from a contacts export's 202 until it is `ready`.
        export_outcome: Whether a contacts export becomes `ready`, ends in `failure`, or stays `pending`.
        export_hidden_columns: The columns that the CSV file of an export lacks, in lower case.
        export_ttl_s: How long an export's files can be downloaded.
    """

    job_delay_s: float = 0.3
    job_jitter_s: float = 0.0
    job_parts: int = 1
    job_report_lag_s: float = 0.1
    job_ttl_s: float | None = None
    job_forgotten_s: float | None = None
    field_delay_s: float = 1.0
    max_rows: int = 30_000
    max_body_bytes: int = 6_000_000
    oversize_status: int = 413
    max_fields: int = 500
    max_segments: int = 200
    contact_limit: int | None = None
    duplicates: Duplicates = "last"
    long_text: LongText = "refuse"
    blank_text_is_stored: bool = False
    named_bad_emails: int | None = None
    refuse_emails: str = ""
    fail_emails: str = ""
    errors_header: tuple[str, ...] = ("email", "error")
    limits: Mapping[str, tuple[int, float]] = field(default_factory=lambda: {"*": (6_000, 60.0)})
    segment_validation_s: float = 0.3
    segment_refresh_s: float = 3_600.0
    segment_patch_wait_s: float = 300.0
    export_delay_s: float = 0.5
    export_outcome: ExportOutcome = "ready"
    export_hidden_columns: tuple[str, ...] = ()
    export_ttl_s: float = 43_200.0

    def __post_init__(self) -> None:
        """Raise for an invalid option now, not in the middle of a run.

        Raises:
            ValueError: A pattern does not compile, a choice is unknown, or a number is out of range.
        """
        for pattern in (self.refuse_emails, self.fail_emails):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        if self.duplicates not in get_args(Duplicates.__value__):
            raise ValueError(f"duplicates cannot be {self.duplicates!r}")
        if self.long_text not in get_args(LongText.__value__):
            raise ValueError(f"long_text cannot be {self.long_text!r}")
        if self.export_outcome not in get_args(ExportOutcome.__value__):
            raise ValueError(f"export_outcome cannot be {self.export_outcome!r}")
        if self.job_parts < 1:
            raise ValueError("job_parts must be at least 1")
        for count, period_s in self.limits.values():
            if count < 0 or period_s <= 0:
                raise ValueError("a limit is a count and a period in seconds")


class FaultKind(StrEnum):
    """The kinds of faults. The `job_*` faults strike PUT contacts: the PUT succeeds, its job goes wrong."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    FORBIDDEN = "forbidden"
    NAMELESS_400 = "nameless_400"
    HANG = "hang"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    JOB_FAILED = "job_failed"
    JOB_ERRORED = "job_errored"
    JOB_NEVER_ENDS = "job_never_ends"
    JOB_LATE = "job_late"

    @property
    def is_about_jobs(self) -> bool:
        """Whether the fault strikes the import job, not the request."""
        return self.value.startswith("job_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: what goes wrong, how often and where.

    Attributes:
        kind: What goes wrong.
        rate: The probability for each matching request, 0 to 1.
        max_count: The maximum number of strikes; `None` for no limit.
        on: A shell pattern over `METHOD /path/{template}`; the default is every endpoint.
        burst: The number of matching requests in a row that it strikes once drawn.
        status: The status of a `server_error`.
        seconds: The duration of a `hang`, the time until a `rate_limited` resets, the delay of a `job_late`.
        work: Whether a `hang` handles the request before or after the pause, or never.
        share: The share of rows that a `job_errored` fails.
    """

    kind: FaultKind
    rate: float = 1.0
    max_count: int | None = None
    on: str = "*"
    burst: int = 1
    status: int = 500
    seconds: float = 1.0
    work: Work = "before"
    share: float = 0.5

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Parse a fault from JSON with the same names.

        Raises:
            ValueError: A name or a kind is unknown, or the kind is missing.
        """
        known = {attribute.name for attribute in fields(cls)}
        if unknown := sorted(given.keys() - known):
            raise ValueError(f"a fault has no {', '.join(unknown)}")
        if "kind" not in given:
            raise ValueError("a fault needs a kind")
        return cls(**{**given, "kind": FaultKind(given["kind"])})
