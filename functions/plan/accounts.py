"""The accounts that a plan reads, and what becomes of a refusal: the rest is read anyway."""

from collections.abc import Callable, Sequence
from typing import Protocol

from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.errors import KeyRefused, StopRun
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.sendgrid.documents import HOW_TO_PERMIT
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField, Segment, SingleSend
from lytics_sendgrid.workflow.faults import pointer


class SendGridAccount(Protocol):
    """The SendGrid account to read."""

    def scopes(self) -> frozenset[str]: ...  # noqa: D102
    def fields(self) -> tuple[CustomField, ...]: ...  # noqa: D102
    def lists(self) -> tuple[ContactList, ...]: ...  # noqa: D102
    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def segment(self, segment_id: str) -> Segment: ...  # noqa: D102
    def scheduled_single_sends(self) -> tuple[SingleSend, ...]: ...  # noqa: D102


class LyticsAccount(Protocol):
    """The Lytics account to read."""

    def audiences(self) -> tuple[LyticsAudience, ...]: ...  # noqa: D102
    def find_audiences(  # noqa: D102
        self, reference: str, listed: Sequence[LyticsAudience]
    ) -> tuple[LyticsAudience, ...]: ...
    def schema_fields(self) -> dict[str, str]: ...  # noqa: D102
    def jobs(self, workflow: str | None = None) -> tuple[LyticsJob, ...]: ...  # noqa: D102


class Configurations(Protocol):
    """What was provisioned before."""

    def account(self, name: str) -> Account: ...  # noqa: D102
    def export(self, name: str) -> Export | None: ...  # noqa: D102


def attempt[**P, T](
    refusals: list[StopRun], read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """Return what was read. None: it was refused, and the refusal is added to the list."""
    try:
        return read(*args, **kwargs)
    except StopRun as refusal:
        if isinstance(refusal, KeyRefused):
            refusal.at = pointer("authorization")
        refusals.append(refusal)
        return None


def may_read_marketing(refusals: list[StopRun], sendgrid: SendGridAccount) -> bool:
    """Return whether SendGrid's key may read Marketing. If not, a refusal is added to the list."""
    scopes = attempt(refusals, sendgrid.scopes)
    if scopes is not None and "marketing.read" not in scopes:
        refusals.append(
            KeyRefused(
                f"The SendGrid API key may not use Marketing (no scope marketing.read): {HOW_TO_PERMIT}",
                at=pointer("authorization"),
            )
        )
        return False
    return scopes is not None
