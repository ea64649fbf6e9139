"""Read what a plan needs from both accounts. A refusal does not end it, so all are reported together."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from functions.plan.accounts import (
    Configurations,
    LyticsAccount,
    SendGridAccount,
    attempt,
    may_read_marketing,
)
from functions.plan.audiences import segments_to_read
from functions.plan.chosen import chosen_audiences
from functions.plan.facts import Facts, StoredFacts
from functions.plan.input import ResyncInput, StartInput, StopInput
from functions.plan.keys import PLAIN_STOP
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.errors import ExportRefused, KeyRefused, StopRun
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import job_of, webhook_url
from lytics_sendgrid.sendgrid.resources import Segment, SingleSend
from lytics_sendgrid.workflow.faults import pointer

_STOPS: Final = "The export is stopped anyway, and the report says what became of its webhook job"


@dataclass(slots=True)
class Surveyor:
    """Reads both accounts. A fault is collected, and the rest is read anyway.

    Attributes:
        configurations: ours.
        sendgrid: None: there is no key.
        lytics: None: there is no token.
        webhook_base_url: of this deployment, without ``/lytics/<export>``.
        faults: what a person must fix.
        notes: for a person.
    """

    configurations: Configurations
    sendgrid: SendGridAccount | None
    lytics: LyticsAccount | None
    webhook_base_url: str
    faults: list[StopRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def survey(self, wanted: StartInput, account_name: str, faulty: Collection[str] = frozenset()) -> Facts:
        """Read the facts that the plan of a start needs.

        Args:
            wanted: the input.
            account_name: of the SendGrid account.
            faulty: the input's keys that have a fault.

        Raises:
            RetryLater: AWS, SendGrid or Lytics does not answer now.
        """
        account = self.configurations.account(account_name)
        # A name with a fault is not another export's.
        export = None if "export" in faulty else self.configurations.export(wanted.export)
        facts = Facts(account, export, version=account.version)
        if self.lytics is not None:
            facts = self._lytics_facts(self.lytics, wanted, facts)
        if self.sendgrid is not None and may_read_marketing(self.faults, self.sendgrid):
            facts = self._sendgrid_facts(self.sendgrid, wanted, facts)
        return replace(facts, notes=tuple(self.notes))

    def survey_stored(self, export: Export, wanted: ResyncInput | StopInput) -> StoredFacts:
        """Read the facts that the plan of a resync or a stop needs.

        Lytics cannot prevent a stop, and SendGrid only one that sends contacts: its refusals are notes.

        Args:
            export: as last provisioned.
            wanted: the input.

        Raises:
            RetryLater: AWS, SendGrid or Lytics does not answer now.
        """
        account = self.configurations.account(export.account)
        url = webhook_url(self.webhook_base_url, export.name)
        listed, jobs = self._listed(export, is_stop=isinstance(wanted, StopInput))
        return StoredFacts(
            account,
            listed or (),
            job_of(jobs or (), export.lytics_job, url),
            self._single_sends(wanted),
            self._stopped_exports(export, account),
            jobs is not None,
            tuple(self.notes),
        )

    def _listed(
        self, export: Export, *, is_stop: bool
    ) -> tuple[tuple[LyticsAudience, ...] | None, tuple[LyticsJob, ...] | None]:
        """Read Lytics' audiences and jobs for a resync or a stop. None: they could not be read."""
        lytics = self.lytics
        if lytics is None:
            if is_stop:
                self.notes.append(f"Lytics could not be read: its token is missing in the secret. {_STOPS}")
            return None, None
        refusals: list[StopRun] = []
        listed = attempt(refusals, lytics.audiences)
        jobs = None if listed is None else attempt(refusals, lytics.jobs)
        if is_stop:
            self.notes += [f"Lytics could not be read: {refusal}. {_STOPS}" for refusal in refusals]
        elif listed is None:
            self.faults += refusals
        else:
            self.notes += [_unknown_job(export, refusal) for refusal in refusals]
        return listed, jobs

    def _single_sends(self, wanted: ResyncInput | StopInput) -> tuple[SingleSend, ...]:
        """Read the scheduled Single Sends if segments are deleted, otherwise only the key's scopes."""
        if self.sendgrid is None:
            return ()
        if not isinstance(wanted, StopInput):
            may_read_marketing(self.faults, self.sendgrid)
            return ()
        if not wanted.clear:
            return ()
        refusals: list[StopRun] = []
        sends = None
        if may_read_marketing(refusals, self.sendgrid) and wanted.delete_segments:
            sends = attempt(refusals, self.sendgrid.scheduled_single_sends)
        self.faults += [ExportRefused(f"{refusal}. {PLAIN_STOP}", at=refusal.at) for refusal in refusals]
        return sends or ()

    def _lytics_facts(self, lytics: LyticsAccount, wanted: StartInput, facts: Facts) -> Facts:
        refusals: list[StopRun] = []
        listed = attempt(refusals, lytics.audiences)
        self.faults += refusals
        if any(isinstance(refusal, KeyRefused) and not refusal.lacks_permission for refusal in refusals):
            # Every other request would be refused, too. One fault is enough.
            return facts
        matches: dict[str, tuple[LyticsAudience, ...]] = {}
        for reference in wanted.audiences if listed is not None else ():
            candidates = self._try(lytics.find_audiences, reference, listed or ())
            matches |= {} if candidates is None else {reference: candidates}
        jobs = self._jobs(lytics, wanted)
        export, url = facts.export, webhook_url(self.webhook_base_url, wanted.export)
        return replace(
            facts,
            listed=listed,
            matches=matches,
            schema=self._try(lytics.schema_fields),
            jobs=jobs,
            job=job_of(jobs or (), export.lytics_job if export else None, url),
        )

    def _sendgrid_facts(self, sendgrid: SendGridAccount, wanted: StartInput, facts: Facts) -> Facts:
        audiences, _, _ = chosen_audiences(facts.matches, facts.listed or ())
        fields = self._try(sendgrid.fields)
        # After the fields: another run records a field before it creates it, so ours never look foreign.
        account = self.configurations.account(facts.account.name)
        has_lists = any(known.list_id is not None for known in account.audiences.values())
        return replace(
            facts,
            account=account,
            fields=fields,
            lists=self._try(sendgrid.lists) if wanted.contact_list is not None or has_lists else (),
            segments=self._segments(sendgrid, audiences, account),
            single_sends=self._try(sendgrid.scheduled_single_sends) if wanted.delete_segments else (),
            stopped_exports=self._stopped_exports(facts.export, account),
        )

    def _stopped_exports(self, export: Export | None, account: Account) -> frozenset[str]:
        """Return the names of stopped exports, of those that share an audience with an export."""
        names = {
            name
            for audience in (export.audience_ids if export else ())
            if audience in account.audiences
            for name in account.audiences[audience].exports
        }
        exports = (self.configurations.export(name) for name in sorted(names))
        return frozenset(other.name for other in exports if other is not None and other.stopped_s is not None)

    def _jobs(self, lytics: LyticsAccount, wanted: StartInput) -> tuple[LyticsJob, ...] | None:
        """Read Lytics' jobs. A token may lack this permission if it need not create a job."""
        try:
            return lytics.jobs()
        except StopRun as fault:
            may_not = isinstance(fault, KeyRefused) and fault.lacks_permission
            if may_not and not wanted.subscribe:
                self.notes.append(
                    "the Lytics token may not list jobs, so it was not checked whether Lytics' own SendGrid "
                    "export is running. It would write the same field: make sure that it is not running"
                )
                return None
            self.faults.append(
                KeyRefused(
                    f'{fault}. Or put "subscribe": false into the input and create the webhook job by hand',
                    at=pointer("authorization"),
                )
                if may_not
                else fault
            )
            return None

    def _segments(
        self, sendgrid: SendGridAccount, audiences: Sequence[LyticsAudience], account: Account
    ) -> dict[str, Segment] | None:
        listed = self._try(sendgrid.segments)
        if listed is None:
            return None
        segments = {segment.id: segment for segment in listed}
        for segment_id in segments_to_read(audiences, account, listed):
            read = self._try(sendgrid.segment, segment_id)
            if read is not None:
                segments[segment_id] = read
        return segments

    def _try[**P, T](self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        return attempt(self.faults, read, *args, **kwargs)


def _unknown_job(export: Export, refusal: StopRun) -> str:
    return (
        f"it is unknown whether Lytics' webhook job of the export '{export.name}' runs, because Lytics' jobs "
        f"could not be read: {refusal}"
    )
