"""What became of rows that were sent to SendGrid."""

from dataclasses import dataclass, field

from lytics_sendgrid.domain.contact import ContactKey


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A row that SendGrid accepted.

    Attributes:
        job: the import job that carries it.
        sent_ms: our clock just before the request.
        refusal: where only e-mail and memberships were accepted, SendGrid's message about the rest.
        latest_ms: our clock just before the last request, where several carry the same row; otherwise 0.
    """

    job: str
    sent_ms: int
    refusal: str | None = None
    latest_ms: int = 0


@dataclass(frozen=True, slots=True)
class UpsertFault:
    """Why SendGrid refuses a request whatever its rows are, or why its refusal of rows is not believed.

    Attributes:
        reason: for a log: free of anything from a row.
        refusal: SendGrid's message about a row, where there is one.
        of_list: a list in the request may be at fault.
    """

    reason: str
    refusal: str = ""
    of_list: bool = False

    def __str__(self) -> str:
        """Return both, for a person."""
        return f"{self.reason}: {self.refusal}" if self.refusal else self.reason


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """What became of the rows. Rows in none of the mappings are undecided.

    Attributes:
        accepted: accepted rows.
        refused: rows whose address SendGrid refuses, with its message.
        unnamed: rows of which SendGrid refuses even the address without naming it, with its message; to be
            believed only where it accepts other rows.
        fault: why the request itself is refused, if it is; then no row is refused.
        retry_epoch_s: when SendGrid takes undecided rows again, where it said so.
        last_error: what SendGrid last answered instead of deciding the undecided rows, without anything from
            a row.
    """

    accepted: dict[ContactKey, AcceptedRow] = field(default_factory=dict)
    refused: dict[ContactKey, str] = field(default_factory=dict)
    unnamed: dict[ContactKey, str] = field(default_factory=dict)
    fault: UpsertFault | None = None
    retry_epoch_s: float | None = None
    last_error: str = ""
