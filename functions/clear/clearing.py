"""Clear removed audiences: resend every contact that holds their ids, without those ids.

A configuration without an audience makes rows without its id, but nobody is sent because of that alone. So a
walk through the ledger queues a refresh for each contact that has the audience. It waits until no ``deliver``
with the older configuration is left: an older ``deliver`` could still write the id after the walk.

What is to be cleared is in the account's configuration until that has settled, so a run that dies leaves it
to the account's next run.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, Protocol

from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.clearing import Clearing
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.domain.walking import Walks
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.queues.outgoing import Outgoing
from lytics_sendgrid.tables.ledger_walk import LedgerPage
from lytics_sendgrid.workflow.clear_progress import ClearProgress

TASK: Final = "clear"
MAX_WAIT_S: Final = 3_600


class Ledger(Protocol):
    """The contacts table, page by page."""

    def page(self, account: str, segment: int, segments: int, start: str | None = None) -> LedgerPage: ...  # noqa: D102


class Accounts(Protocol):
    """Where the accounts' configurations are kept."""

    def account(self, name: str) -> Account: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class ClearRequest:
    """What to clear.

    Attributes:
        run: the execution's name.
        export: the export that is started, resynced or stopped.
        account: its SendGrid account, whose removed audiences are cleared.
        prefix: of the numbers of this invocation's messages, unique in the run.
        delay_s: how long after a configuration is written no ``deliver`` has an older one.
        dry_run: change nothing.
    """

    run: str
    export: str
    account: str
    prefix: str
    delay_s: int
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ClearTools:
    """The collaborators. No page of the ledger is read after the deadline, except the first."""

    ledger: Ledger
    accounts: Accounts
    walks: Walks
    queue: Queue
    clock: Clock
    deadline: Deadline


def clear(request: ClearRequest, tools: ClearTools) -> ClearProgress:
    """Continue the clearing of an account's removed audiences.

    Raises:
        RetryLater: AWS did not answer; call again.
    """
    if request.dry_run:
        return ClearProgress(done=True)
    account, now_s = tools.accounts.account(request.account), tools.clock.now()
    document = tools.walks.walk(request.run, TASK)
    if document is not None:
        clearing = Clearing.read(document)
    else:
        if not account.to_clear:
            return ClearProgress(done=True, finish=_has_cleared(account))
        # What is removed from now on is left to the run that removes it.
        clearing = Clearing(dict(account.to_clear))
        _keep(request, tools, clearing)
    wait_s = math.ceil(max(clearing.to_clear.values()) + request.delay_s - now_s)
    if wait_s > 0:
        # Not longer: another machine's clock may be far ahead.
        return _progress(clearing, wait_s=min(wait_s, request.delay_s, MAX_WAIT_S))
    if not clearing.walked:
        clearing = _walk(request, tools, clearing, account.version)
    return _progress(clearing)


def _walk(request: ClearRequest, tools: ClearTools, clearing: Clearing, version: int) -> Clearing:
    outgoing = Outgoing(tools.queue, tools.clock, request.run, request.prefix, {request.export: version})
    kept_messages = 0
    before, people, contacts = clearing.expected, dict(clearing.people), clearing.contacts
    while True:
        page = tools.ledger.page(request.account, 0, 1, clearing.next_start)
        for email, contact in page.contacts:
            held = [audience for audience in clearing.to_clear if contact.is_in(audience)]
            for audience in held:
                people[audience] = people.get(audience, 0) + 1
            if held:
                now_ns = round(tools.clock.now() * NANOSECONDS_PER_S)
                outgoing.add(request.export, Change(email, now_ns, Kind.REFRESH))
                contacts += 1
        clearing = replace(clearing, next_start=page.next_start, walked=page.next_start is None)
        goes_on = not (tools.deadline.has_passed() or clearing.walked)
        if outgoing.messages > kept_messages or not goes_on:
            outgoing.flush()
            kept_messages = outgoing.messages
            sent = ((request.prefix, outgoing.messages),) if outgoing.messages else ()
            kept = replace(clearing, people=dict(people), contacts=contacts, expected=(*before, *sent))
            _keep(request, tools, kept)
            if not goes_on:
                return kept


def _keep(request: ClearRequest, tools: ClearTools, clearing: Clearing) -> None:
    now_s = math.floor(tools.clock.now())
    tools.walks.put_walk(request.run, TASK, clearing.document(), now_s, finished=clearing.walked)


def _progress(clearing: Clearing, wait_s: int = 0) -> ClearProgress:
    return ClearProgress(
        done=clearing.walked,
        wait_s=wait_s,
        audiences=len(clearing.to_clear),
        contacts=clearing.contacts,
        finish=clearing.walked,
    )


def _has_cleared(account: Account) -> bool:
    """Return whether an audience of an earlier run still has its segment, which may be gone by now."""
    return any(known.is_cleared for known in account.audiences.values())
