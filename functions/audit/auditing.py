"""One invocation of an audit: compare SendGrid with the ledger, and send again what differs."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from functions.audit.columns import Column, columns_of, membership_columns
from functions.audit.compare import Comparison
from functions.audit.contact_export import exported_rows
from functions.audit.exported import MAX_CONTACTS, ExportedContacts
from functions.audit.repair import repaired
from functions.audit.segments import segment_findings, segments_of, unrepaired
from functions.audit.state import AuditState, Step
from functions.audit.tools import AuditRequest, AuditTools
from lytics_sendgrid.counted_text import contacts
from lytics_sendgrid.domain.backoff import share_of_time_s
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.domain.walking import Walk, first_position
from lytics_sendgrid.errors import RequestRefused, StopRun
from lytics_sendgrid.queues.outgoing import Outgoing
from lytics_sendgrid.sendgrid.file_text import text_parts
from lytics_sendgrid.workflow.account_book import AccountBook
from lytics_sendgrid.workflow.audit_progress import AuditProgress

TASK: Final = "audit"
"""Names the checkpoint among the walks of a run."""
MAX_WAIT_S: Final = 6 * 3_600
_MIN_POLL_S: Final = 10
_MAX_POLL_S: Final = 60
_UNTOUCHED: Final = "Because of that, no contact was compared, sent again or created again"
_REST_UNTOUCHED: Final = (
    "{} had been compared before, and the report says what differed. All others were left as they are"
)
_MAX_SEGMENT_MESSAGES: Final = 50


def audit(request: AuditRequest, tools: AuditTools) -> AuditProgress:
    """Continue an audit until it is done, must wait, or the time is nearly up.

    Raises:
        KeyRefused: SendGrid refuses the key, or it may not export contacts.
        RetryLater: SendGrid or AWS does not answer; call again.
    """
    document = tools.walks.walk(request.run, TASK)
    state = AuditState() if document is None else AuditState.read(document)
    auditor = _Auditor(request, tools, state)
    steps: dict[Step, Callable[[], AuditProgress | None]] = {
        Step.SEGMENTS: auditor.check_segments,
        Step.REQUEST: auditor.request_export,
        Step.WAIT: auditor.wait,
        Step.COMPARE: auditor.compare,
    }
    while state.step is not Step.DONE:
        progress = steps[state.step]()
        auditor.keep()
        if progress is not None:
            return progress
    return AuditProgress(done=True)


class _Auditor:
    def __init__(self, request: AuditRequest, tools: AuditTools, state: AuditState) -> None:
        self._request = request
        self._tools = tools
        self._state = state
        self._outgoing: Outgoing | None = None

    def keep(self) -> None:
        """Write the checkpoint."""
        now_s = math.floor(self._tools.clock.now())
        self._tools.walks.put_walk(
            self._request.run, TASK, self._state.document(), now_s, finished=self._state.step is Step.DONE
        )

    def check_segments(self) -> None:
        tools, request = self._tools, self._request
        book = AccountBook(request.account, tools.configurations, tools.clock)
        account = book.account
        audiences = list(request.audiences)
        names: dict[str, list[str]] = {}
        # An audit is of the whole account, so it looks at the segments of its other live exports, too.
        for export in sorted(self._exports(account), key=lambda export: export.name != request.export):
            if export.stopped_s is None:
                known = {audience.id for audience in audiences}
                audiences += [audience for audience in export.audiences if audience.id not in known]
                for audience in export.audiences:
                    names.setdefault(audience.id, []).append(audience.name)
        shown = {audience.id: audience.name for audience in audiences}
        lists = {known.id: known.name for known in tools.sendgrid.lists()}
        segments = segments_of(account, tools.sendgrid)
        findings = segment_findings(audiences, names, account, segments, lists)
        if request.repair_segments and not request.dry_run:
            own = shown | {audience: given[0] for audience, given in names.items()}
            outcomes = repaired(findings, own, book, tools.sendgrid, tools.clock)
        else:
            outcomes = unrepaired(findings)
        self._state.findings.segments = [found.message for found in outcomes][:_MAX_SEGMENT_MESSAGES]
        wrong = [(shown[found.audience], found.message) for found in outcomes if found.is_wrong]
        self._state.findings.wrong = wrong[:_MAX_SEGMENT_MESSAGES]
        self._state.step = Step.REQUEST

    def request_export(self) -> None:
        self._state.requested_ms = math.floor(self._tools.clock.now() * 1000)
        try:
            self._state.job = self._tools.sendgrid.start_contact_export()
        except RequestRefused as refusal:
            self._fail(f"SendGrid refused to export its contacts ({refusal})")
        else:
            self._state.step = Step.WAIT

    def wait(self) -> AuditProgress | None:
        """Ask for the export until it is ready."""
        state = self._state
        try:
            job = self._tools.sendgrid.contact_export(state.job)
        except RequestRefused as refusal:
            self._fail(f"SendGrid does not know its own export of contacts any more ({refusal})")
            return None
        waited_s = math.floor(self._tools.clock.now() - state.requested_ms / 1000)
        if job.status == "failure":
            self._fail(f"SendGrid's export of contacts failed{f': {job.message}' if job.message else ''}")
        elif job.status == "ready":
            state.parts = max(1, math.ceil((job.contacts or 0) / MAX_CONTACTS))
            state.step = Step.COMPARE
        elif waited_s >= MAX_WAIT_S:
            self._fail(f"SendGrid's export of contacts was not ready after {MAX_WAIT_S // 3_600} hours")
        else:
            wait_s = share_of_time_s(waited_s, _MIN_POLL_S, _MAX_POLL_S)
            return AuditProgress(done=False, wait_s=wait_s, doing="waits for SendGrid's export of contacts")
        return None

    def compare(self) -> AuditProgress | None:
        """Compare one part of the addresses, as far as the time allows."""
        state, request = self._state, self._request
        account = self._tools.configurations.account(request.account)
        columns = columns_of(account, self._exports(account))
        try:
            exported = self._read_export(columns, membership_columns(account))
        except RequestRefused as refusal:
            self._fail(f"SendGrid's export of contacts could not be read ({refusal})")
            return None
        if exported is None:
            return None
        state.position = first_position() if state.position is None else state.position
        comparison = Comparison(
            self._tools.form(account),
            columns,
            exported,
            state.requested_ms - request.in_flight_ms,
            restore_deleted=request.restore_deleted,
        )
        walk = Walk(self._tools.ledger, self._tools.each, account.name, state.position)
        is_whole = walk.run(self._visitor(comparison), self._tools.deadline)
        self._flush()
        if not is_whole:
            return AuditProgress(done=False, doing="compares contacts")
        state.position = None
        state.part += 1
        state.step = Step.DONE if state.part >= state.parts else Step.COMPARE
        return AuditProgress(done=state.step is Step.DONE, doing="compares contacts")

    def _exports(self, account: Account) -> list[Export]:
        names = {name for p in account.audiences.values() for name in p.exports} | set(account.fields)
        exports = map(self._tools.configurations.export, sorted(names))
        return [export for export in exports if export is not None]

    def _read_export(self, columns: Iterable[Column], required: Sequence[Column]) -> ExportedContacts | None:
        """Read the export's files; None, with a trouble, if they hold fewer contacts than SendGrid says."""
        state = self._state
        job = self._tools.sendgrid.contact_export(state.job)
        exported = ExportedContacts(self._request.run, tuple(columns), state.part, state.parts)
        for url in job.urls:
            exported.add_all(exported_rows(text_parts(self._tools.download(url)), required))
        if exported.rows < (job.contacts or 0):
            self._fail(
                f"SendGrid's export of contacts has {exported.rows} rows, but SendGrid counts {job.contacts} "
                "contacts in it"
            )
            return None
        return exported

    def _visitor(self, comparison: Comparison) -> Callable[[str, Contact], None]:
        def visit(email: str, contact: Contact) -> None:
            if comparison.exported.is_mine(email) and comparison.is_to_send(
                email, contact, self._state.findings
            ):
                self._send_again(email, contact)

        return visit

    def _send_again(self, email: str, contact: Contact) -> None:
        if self._request.dry_run:
            return
        if self._outgoing is None:
            export = self._tools.configurations.export(self._request.export)
            if export is None:
                raise StopRun(f"there is no export '{self._request.export}' any more")
            self._outgoing = Outgoing(
                self._tools.queue,
                self._tools.clock,
                self._request.run,
                self._request.prefix,
                {self._request.export: export.version},
            )
        # Stamped with the request that it follows: a later request makes it superfluous.
        stamp_ns = max(contact.sent_ms, contact.latest_ms) * NANOSECONDS_PER_MS
        self._outgoing.add(self._request.export, Change(email, stamp_ns, Kind.REFRESH))

    def _flush(self) -> None:
        if self._outgoing is not None:
            self._outgoing.flush()
            self._state.expected[self._request.prefix] = self._outgoing.messages

    def _fail(self, why: str) -> None:
        compared = self._state.findings.compared
        left = _REST_UNTOUCHED.format(contacts(compared)) if compared else _UNTOUCHED
        self._state.findings.trouble = f"{why}. {left}. Start the resync again later"
        self._state.step = Step.DONE
