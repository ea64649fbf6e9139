"""What a plan is made from, besides the input: our own tables and what both accounts hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from functions.plan.chosen import Matches
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField, Segment, SingleSend


@dataclass(frozen=True, slots=True)
class Facts:
    """What our tables and both accounts hold. None: that part could not be read, which is a fault of its own.

    Attributes:
        account: the SendGrid account's configuration, as last provisioned.
        export: the export with the input's name, if there is one.
        listed: all audiences in Lytics.
        matches: what each audience in the input may refer to.
        schema: Lytics' fields and their types.
        jobs: Lytics' jobs.
        job: of these, the export's webhook job.
        fields: SendGrid's custom fields.
        lists: SendGrid's lists.
        segments: SendGrid's segments by id, with their queries where a plan compares them.
        single_sends: the scheduled Single Sends, if segments may be deleted.
        stopped_exports: names of the exports that are stopped, of those that share an audience with this one.
        notes: for a person: what could not be checked.
        version: of the account's configuration, read before everything else.
    """

    account: Account
    export: Export | None
    listed: Sequence[LyticsAudience] | None = None
    matches: Matches = field(default_factory=dict)
    schema: Mapping[str, str] | None = None
    jobs: Sequence[LyticsJob] | None = None
    job: LyticsJob | None = None
    fields: Sequence[CustomField] | None = None
    lists: Sequence[ContactList] | None = None
    segments: Mapping[str, Segment] | None = None
    single_sends: Sequence[SingleSend] | None = None
    stopped_exports: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """What the plan of a resync or a stop is made from, besides the stored export.

    Attributes:
        account: the SendGrid account's configuration.
        listed: all audiences in Lytics.
        job: the export's webhook job in Lytics, if there is one.
        single_sends: the scheduled Single Sends, if segments may be deleted.
        stopped_exports: names of the exports that are stopped, of those that share an audience with this one.
        is_job_known: Lytics' jobs could be read.
        notes: for a person: what could not be read.
    """

    account: Account
    listed: Sequence[LyticsAudience]
    job: LyticsJob | None
    single_sends: Sequence[SingleSend] = ()
    stopped_exports: frozenset[str] = frozenset()
    is_job_known: bool = True
    notes: tuple[str, ...] = ()
