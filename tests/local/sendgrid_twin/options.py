"""What a twin of SendGrid can be told: its settings, its keys and its faults.

Where SendGrid's documents leave a behaviour open, it is a setting here, and the default is the answer that is
harder on the caller.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, Self, get_args

type Duplicates = Literal["last", "first", "refuse"]
type LongText = Literal["refuse", "error", "truncate"]
type Work = Literal["before", "after", "never"]


class Capability(StrEnum):
    """What an API key may do."""

    FULL = "full"
    READ_ONLY = "read-only"
    """Marketing can be read; every write is 403. Its scopes look like those of a full key (seen in 2026)."""
    NO_MARKETING = "no-marketing"
    """The scopes lack `marketing.read`; every marketing endpoint is 403."""


DEFAULT_KEYS: Mapping[str, Capability] = {
    "SG.full": Capability.FULL,
    "SG.read-only": Capability.READ_ONLY,
    "SG.no-marketing": Capability.NO_MARKETING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Limits, delays and the answers to what is not documented. Times in seconds.

    Attributes:
        job_delay_s: From the 202 to the moment that the rows are applied.
        job_jitter_s: A random extra delay, up to this: jobs then land in any order.
        job_parts: Each job is applied in so many parts, each with a delay of its own.
        job_report_lag_s: How long a job that is applied still reads `pending` (recorded: over 30 s).
        job_ttl_s: After this a finished job's id is unknown (404); `None` keeps it.
        job_forgotten_s: After this a job's id is unknown though it has not ended; `None` keeps it.
        field_delay_s: How long a new custom field cannot be used in a PUT yet (about 5 s on the real one).
        max_rows: Contacts in one PUT.
        max_body_bytes: Bytes of one PUT's body; "6 MB" read in the narrower way.
        oversize_status: The status of a body that is larger.
        max_fields: Custom fields of the account.
        max_segments: Segments of the account.
        contact_limit: The plan's allotment: a job that would exceed it fails.
        duplicates: Of two rows for one address in one PUT the last or the first counts, or the PUT is refused.
        long_text: A text of over 1,000 characters refuses the PUT, fails the row in the job, or is cut.
        blank_text_is_stored: Whether `""` blanks a Text field; otherwise the field keeps its value.
        named_bad_emails: How many bad addresses one 400 names at most; `None` names all.
        refuse_emails: A regular expression of further addresses that the PUT refuses.
        fail_emails: A regular expression of addresses whose row fails in the job only.
        errors_header: The header row of the errors file: a column whose name holds "mail" has the address, any
            other the reason.
        limits: Requests allowed per period (count, seconds), by `METHOD /path/{template}`; `*` for the others.
        segment_validation_s: How long a new segment's query reads `PENDING`.
        segment_refresh_s: How often a segment's count and members are refreshed.
        segment_patch_wait_s: How long after its creation or last change a segment refuses a PATCH.
        export_delay_s: From a contacts export's 202 to `ready`.
        export_ttl_s: How long an export's files can be fetched.
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
    export_ttl_s: float = 43_200.0

    def __post_init__(self) -> None:
        """Refuse what would only show in the middle of a run.

        Raises:
            ValueError: A pattern does not compile, a choice is unknown, or there are no parts.
        """
        for pattern in (self.refuse_emails, self.fail_emails):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        if self.duplicates not in get_args(Duplicates.__value__):
            raise ValueError(f"duplicates cannot be {self.duplicates!r}")
        if self.long_text not in get_args(LongText.__value__):
            raise ValueError(f"long_text cannot be {self.long_text!r}")
        if self.job_parts < 1:
            raise ValueError("job_parts must be at least 1")
        for count, period_s in self.limits.values():
            if count < 0 or period_s <= 0:
                raise ValueError("a limit is a count and a period in seconds")


class FaultKind(StrEnum):
    """What can go wrong. The `job_*` faults are drawn for PUT contacts, and the PUT itself succeeds."""

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
    """One thing that goes wrong, how often and where.

    Attributes:
        kind: What goes wrong.
        rate: The chance for each request that matches, 0 to 1.
        max_count: After so many strikes it is over; `None` for no end.
        on: A shell pattern over `METHOD /path/{template}`; the default is every endpoint.
        burst: Once drawn, it strikes so many matching requests in a row.
        status: The status of a `server_error`.
        seconds: How long a `hang` hangs, until a `rate_limited` says that it resets, how late a `job_late` is.
        work: A `hang` does the work before or after the pause, or never.
        share: The share of a `job_errored`'s rows that fail.
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
        """Read a fault from its JSON form, the same names.

        Raises:
            ValueError: A name or a kind is unknown, or the kind is missing.
        """
        known = {one.name for one in fields(cls)}
        if unknown := sorted(given.keys() - known):
            raise ValueError(f"a fault has no {', '.join(unknown)}")
        if "kind" not in given:
            raise ValueError("a fault needs a kind")
        return cls(**{**given, "kind": FaultKind(given["kind"])})
