"""What a plan is made from, beside the input: our own tables, and what both accounts hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from functions.plan.audiences import Matches
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField, Segment


@dataclass(frozen=True, slots=True)
class Facts:
    """What our own tables and both accounts hold; None of an account's: it could not be read, a fault by itself.

    Attributes:
        account: the SendGrid account's configuration, as provisioned before.
        export: the export of the input's name, if there is one.
        listed: all audiences in Lytics.
        matches: what each of the input's references may mean.
        schema: Lytics' fields and their types.
        jobs: Lytics' jobs.
        fields: SendGrid's custom fields.
        lists: its lists.
        segments: its segments by id, with their queries where they matter.
        notes: what could not be looked at, in words.
    """

    account: Account
    export: Export | None
    listed: Sequence[LyticsAudience] | None = None
    matches: Matches = field(default_factory=dict)
    schema: Mapping[str, str] | None = None
    jobs: Sequence[LyticsJob] | None = None
    fields: Sequence[CustomField] | None = None
    lists: Sequence[ContactList] | None = None
    segments: Mapping[str, Segment] | None = None
    notes: tuple[str, ...] = ()
