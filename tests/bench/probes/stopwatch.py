"""Run deliver with a stopwatch around its collaborators, and append each batch's CPU to STOPWATCH_FILE.

CPU of the whole process is taken at each change of hands on the main thread. The ledger's threads work only
while the main thread waits for them, so what they use falls to the collaborator that waits.
"""

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from functions.deliver import app, decide, deliverer, exchange, intake, refreshes, requeue, rounds, send
from lytics_sendgrid.sendgrid import contacts as sendgrid_contacts
from lytics_sendgrid.tables import contacts as ledger

_taken: dict[str, float] = {}
_doing = ["log, and the rest of the handler"]
_since_s = [0.0]


def _switch() -> None:
    now_s = time.process_time()
    _taken[_doing[-1]] = _taken.get(_doing[-1], 0.0) + now_s - _since_s[0]
    _since_s[0] = now_s


def _timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        _switch()
        _doing.append(name)
        try:
            return function(*arguments, **named)
        finally:
            _switch()
            _doing.pop()

    return timed


def _watch(owner: Any, attribute: str, name: str) -> None:
    setattr(owner, attribute, _timed(name, getattr(owner, attribute)))


_watch(deliverer.Deliverer, "deliver", "loops around all this")
_watch(deliverer, "decode", "decode messages")
_watch(intake.Intake, "__init__", "group by contact")
_watch(ledger.ContactsTable, "load", "load: BatchGetItem, 100 a call")
_watch(rounds, "decide", "decide: compare, hash")
_watch(decide, "merge", "merge")
_watch(decide, "row_of", "write rows")
_watch(send.Sending, "send", "group rows, note the answers")
_watch(refreshes.Refreshes, "before_request", "refreshes")
_watch(refreshes.Refreshes, "after_acceptance", "refreshes")
_watch(exchange.Exchange, "_queue_import", "imports: write and send messages")
_watch(refreshes.Refreshes, "before_commit", "refreshes")
_watch(sendgrid_contacts.SendGridContacts, "upsert", "SendGrid HTTP")
_watch(ledger.ContactsTable, "commit", "commit: encode states, BatchExecuteStatement, 25 a call")
_watch(deliverer.Deliverer, "_record_runs", "record the run")
_watch(intake.Intake, "leftovers", "look for what is left")
_watch(requeue.Requeuer, "requeue", "look for what is left")


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Deliver a batch of messages."""
    _taken.clear()
    _since_s[0] = time.process_time()
    result = app.lambda_handler(event, context)
    _switch()
    with Path(os.environ["STOPWATCH_FILE"]).open("a") as file:
        file.write(json.dumps(_taken) + "\n")
    return result
