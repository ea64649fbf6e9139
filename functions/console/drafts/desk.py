"""Where drafts lie: make, open, save, check and start them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from functions.console.context import Console, Visitor
from functions.console.drafts.checking import Obstacle, followed, obstacle
from functions.console.drafts.draft import (
    KEPT_S,
    RUN_KEPT_S,
    Check,
    Draft,
    check_key,
    digest,
    draft_key,
    run_key,
)
from functions.console.drafts.form import form_faults, input_of
from functions.console.web import path_of
from lytics_sendgrid.domain.execution import current_execution
from lytics_sendgrid.workflow.faults import Fault


@dataclass(frozen=True, slots=True)
class OtherRun:
    """A run of the export that is under way.

    Attributes:
        export: its export.
        path: of its page.
        started_s: Unix seconds.
    """

    export: str
    path: str
    started_s: int


@dataclass(frozen=True, slots=True)
class Desk:
    """One visitor's drafts.

    Attributes:
        console: the collaborators.
        visitor: whose drafts.
    """

    console: Console
    visitor: Visitor

    def make(self, form: Mapping[str, Any], changes: str = "") -> Draft:
        """Make a draft.

        Args:
            form: what it begins with. For a resync or a stop: the execution's input.
            changes: name of the export that it changes, resyncs or stops.
        """
        now_s = int(self.console.clock.now())
        return self._put(Draft(self.console.new_token(), self.visitor.subject, now_s, form, changes))

    def open(self, draft_id: str) -> Draft | None:
        """Return a draft, or None: it does not exist, has expired, or is somebody else's."""
        document = self.console.store.get(draft_key(draft_id), self.console.clock.now())
        draft = Draft.read(document) if document is not None else None
        return draft if draft is not None and draft.author == self.visitor.subject else None

    def save(self, draft: Draft, form: Mapping[str, Any]) -> Draft:
        """Write a draft with another form, if it differs."""
        return draft if draft.form == form else self._put(replace(draft, form=form))

    def begin_check(self, draft: Draft) -> None:
        """Start the dry run of a draft, unless the form alone shows that it has faults."""
        document, now_s = input_of(draft.form), int(self.console.clock.now())
        faults = form_faults(draft.form)
        if faults:
            check = Check("", digest(document), now_s, status="refused", faults=faults)
        else:
            # The configuration is read before the dry run: if it changes meanwhile, the check does not count.
            version = self._version(str(document.get("export", "")), "")
            name = f"check-{self.console.new_token()}"
            self.console.executions.start(name, {**document, "dry_run": True})
            execution = self.console.executions.arn(name)
            check = Check(execution, digest(document), now_s, name, version)
            self._audit("check_started", draft, execution)
        self.console.store.put(check_key(draft.id), check.document(), now_s + KEPT_S)

    def check(self, draft: Draft) -> Check | None:
        """Return how a draft's last check stands; None: there is none."""
        document = self.console.store.get(check_key(draft.id), self.console.clock.now())
        check = Check.read(document) if document is not None else None
        if check is None or check.status != "running":
            return check
        executions, now_s = self.console.executions, self.console.clock.now()
        return followed(check, current_execution(executions, check.execution, check.begun_s, now_s))

    def faults(self, draft: Draft) -> tuple[Fault, ...]:
        """Return the faults that the last check found in the form as it is now."""
        check = self.check(draft)
        is_of_form = check is not None and check.digest == digest(input_of(draft.form))
        return check.faults if check is not None and is_of_form else ()

    def obstacle(self, draft: Draft, check: Check | None) -> Obstacle | None:
        """Return why a draft's run may not be started now; None: it may."""
        version = self._version(self.export_of(draft), check.account) if check is not None else None
        return obstacle(check, digest(input_of(draft.form)), version, self.console.clock.now())

    def other_run(self, draft: Draft, check: Check | None) -> OtherRun | None:
        """Return the run of the draft's export that is under way, if there is one.

        Args:
            draft: the draft.
            check: its own: that of a resync is such a run, too, but no other.
        """
        export = self.export_of(draft)
        place = self.console.exports.running(export) if export else None
        if place is None:
            return None
        executions, now_s = self.console.executions, self.console.clock.now()
        execution = current_execution(executions, place.execution, place.begun_s, now_s)
        if execution is None or not execution.is_running:
            return None
        if check is not None and check.execution == execution.arn:
            return None
        run = place.execution.rpartition(":")[2]
        return OtherRun(export, path_of("runs", export, run), execution.started_s)

    def started(self, draft: Draft) -> bool:
        """Return whether a draft's run was started."""
        return self.console.store.get(run_key(draft.run), self.console.clock.now()) is not None

    def start(self, draft: Draft) -> None:
        """Start a draft's run. A second call starts nothing."""
        self.console.executions.start(draft.run, input_of(draft.form))
        now_s = int(self.console.clock.now())
        who = {
            "subject": self.visitor.subject,
            "name": self.visitor.name,
            "started_s": now_s,
            "export": self.export_of(draft),
            "action": draft.action,
        }
        is_first = True
        try:
            is_first = self.console.store.put(
                run_key(draft.run), who, now_s + RUN_KEPT_S, only_if_absent=True, now_s=now_s
            )
        finally:
            # The run has started, so the audit trail says so, also if that could not be recorded.
            if is_first:
                self._audit(f"{draft.action}_started", draft, self.console.executions.arn(draft.run))

    def start_again(self, draft: Draft) -> bool:
        """Record who started a draft's run, if it was started and that could not be recorded.

        Returns:
            Whether the run was started.
        """
        if self.console.executions.describe(self.console.executions.arn(draft.run)) is None:
            return False
        self.start(draft)
        return True

    def run_path(self, draft: Draft) -> str:
        """Return the path of the page of a draft's run."""
        return path_of("runs", self.export_of(draft), draft.run)

    def export_of(self, draft: Draft) -> str:
        """Return the name of a draft's export."""
        return str(draft.form.get("export", ""))

    def _put(self, draft: Draft) -> Draft:
        expires_s = self.console.clock.now() + KEPT_S
        self.console.store.put(draft_key(draft.id), draft.document(), expires_s)
        return draft

    def _version(self, export: str, account: str) -> int | None:
        """Return the version of the configuration that an export belongs to; None: its account is unknown."""
        known = self.console.exports.export(export) if export else None
        name = known.account if known is not None else account
        return self.console.exports.account(name).version if name else None

    def _audit(self, act: str, draft: Draft, execution: str) -> None:
        self.console.audit.record(
            act, self.visitor.subject, export=self.export_of(draft), execution=execution.rpartition(":")[2]
        )
