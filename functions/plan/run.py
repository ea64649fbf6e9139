"""Plan a run: read its input, survey both accounts, and return a plan or report every fault."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.plan.accounts import Configurations, LyticsAccount, SendGridAccount
from functions.plan.faults import Places, refusal, refused
from functions.plan.input import ExportInput, Reading, ResyncInput, StartInput, StopInput, read_input
from functions.plan.keys import authorization_faults
from functions.plan.one_run import Runs, other_run
from functions.plan.planning import make_plan
from functions.plan.sizes import size_faults
from functions.plan.state import Beginning, planned_run
from functions.plan.stored import no_such_export, plan_resync, plan_stop, stored_faults
from functions.plan.survey import Surveyor
from lytics_sendgrid.aws.secret import Authorization, WebhookSecrets
from lytics_sendgrid.domain.execution import Executions, RunPlace
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, parse_rfc3339_ns
from lytics_sendgrid.errors import ExportRefused, InputInvalid, StopRun
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.faults import pointer


class Authorizations(Protocol):
    """The secrets."""

    def authorization(self, name: str, max_age_s: float = ...) -> Authorization: ...  # noqa: D102

    def webhook_secrets(self, name: str, max_age_s: float = ...) -> WebhookSecrets: ...  # noqa: D102


class Tables(Configurations, Runs, Protocol):
    """What was provisioned before, and which run is under way."""


type Connect = Callable[[Authorization], tuple[SendGridAccount, LyticsAccount]]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans runs. Nothing is changed but which run of an export is under way.

    Attributes:
        configurations: what was provisioned before.
        authorizations: the secrets; never read from the cache, because a person may just have corrected one.
        connect: makes both vendors' clients for an authorization.
        webhook_base_url: of this deployment, without ``/lytics/<export>``.
        executions: whether another run is under way.
    """

    configurations: Tables
    authorizations: Authorizations
    connect: Connect
    webhook_base_url: str
    executions: Executions

    def plan(self, beginning: Beginning, document: object) -> ExportRun:
        """Plan a run.

        Args:
            beginning: of the run.
            document: the execution's input.

        Returns:
            The state that the other tasks read.

        Raises:
            StopRun: all faults in one message, one a line; ``InputInvalid``, ``KeyRefused`` or another class
                that all faults share, otherwise ``ExportRefused``.
            RetryLater: AWS, SendGrid or Lytics does not answer now.
        """
        reading = read_input(document)
        wanted = reading.wanted
        faults: list[StopRun] = [InputInvalid(fault.text, at=fault.at) for fault in reading.faults]
        if wanted is None or "authorization" in reading.faulty:
            raise refusal(faults, reading.action)
        if isinstance(wanted, StartInput):
            planned = self._start(beginning, wanted, reading, faults, Places.of(document))
        else:
            planned = self._stored(beginning, wanted, faults)
        too_large = size_faults(planned)
        if too_large:
            texts = [ExportRefused(text, at=pointer("audiences")) for text in too_large]
            raise refusal(texts, wanted.action)
        return self._alone(beginning, planned)

    def _alone(self, beginning: Beginning, planned: ExportRun) -> ExportRun:
        """Make sure that no other run of the export is under way. A plan alone disturbs none."""
        only_plans = planned.dry_run and planned.action != "resync"
        if only_plans or not beginning.execution:
            return planned
        place = RunPlace(beginning.execution, parse_rfc3339_ns(beginning.started_at) // NANOSECONDS_PER_S)
        other = other_run(planned.export, place, self.configurations, self.executions)
        if not other:
            return planned
        if planned.options.scheduled:
            return planned.model_copy(update={"skipped": f"This resync was skipped: {other}"})
        raise refusal([ExportRefused(other, at=pointer("export"))], planned.action)

    def _start(
        self,
        beginning: Beginning,
        wanted: StartInput,
        reading: Reading,
        input_faults: Sequence[StopRun],
        places: Places,
    ) -> ExportRun:
        needs_secret = wanted.subscribe and "subscribe" not in reading.faulty
        unsubscribable = self._webhook_faults(wanted.authorization) if needs_secret else []
        authorization, surveyor, faults = self._surveyor(
            wanted.authorization, wanted, input_faults, unsubscribable
        )
        facts = surveyor.survey(wanted, authorization.account, reading.faulty)
        plan, plan_faults = make_plan(wanted, facts, reading.faulty, places)
        faults = [*faults, *surveyor.faults, *refused(plan_faults)]
        if faults:
            raise refusal(faults, wanted.action)
        return planned_run(beginning, wanted, authorization.account, facts, plan)

    def _stored(
        self, beginning: Beginning, wanted: ResyncInput | StopInput, input_faults: Sequence[StopRun]
    ) -> ExportRun:
        export = self.configurations.export(wanted.export)
        if export is None:
            fault = ExportRefused(no_such_export(wanted.export, wanted.action), at=pointer("export"))
            raise refusal([*input_faults, fault], wanted.action)
        _, surveyor, faults = self._surveyor(export.authorization, wanted, input_faults, ())
        facts = surveyor.survey_stored(export, wanted)
        faults = [*faults, *surveyor.faults, *refused(stored_faults(wanted, export, facts))]
        if faults:
            raise refusal(faults, wanted.action)
        if isinstance(wanted, ResyncInput):
            return plan_resync(beginning, wanted, export, facts)
        return plan_stop(beginning, wanted, export, facts)

    def _surveyor(
        self, name: str, wanted: ExportInput, before: Sequence[StopRun], after: Sequence[StopRun]
    ) -> tuple[Authorization, Surveyor, list[StopRun]]:
        """Read an authorization, and return what reads both accounts with it.

        Args:
            name: the authorization's.
            wanted: the input.
            before: the faults that are listed before those of the authorization.
            after: the faults that are listed after them.

        Returns:
            The authorization, what reads both accounts, and all these faults.
        """
        try:
            authorization = self.authorizations.authorization(name, 0)
        except StopRun as fault:
            fault.at = pointer("authorization")
            raise refusal([*before, fault, *after], wanted.action) from fault
        sendgrid, lytics = self.connect(authorization)
        surveyor = Surveyor(
            self.configurations,
            sendgrid if authorization.sendgrid_api_key else None,
            lytics if authorization.lytics_api_token else None,
            self.webhook_base_url,
        )
        return authorization, surveyor, [*before, *authorization_faults(authorization, wanted), *after]

    def _webhook_faults(self, name: str) -> list[StopRun]:
        try:
            secrets = self.authorizations.webhook_secrets(name, 0)
        except StopRun as fault:
            fault.at = pointer("authorization")
            return [fault]
        if secrets.live:
            return []
        return [
            ExportRefused(
                f"\"webhook_secrets\" is empty in the secret '{secrets.secret}': put a long random text "
                "there, which Lytics will send with each webhook",
                at=pointer("authorization"),
            )
        ]
