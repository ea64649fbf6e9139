"""Decide, page by page, how far a scan of an audience has come and whether it may go on.

A scan pages through an audience's members by cursors that must be recent (Lytics V1 OpenAPI) and of which nothing
else is documented. So a cursor that comes again ends the scan with an error, one that Lytics no longer takes begins
it anew, and only an empty one is its end.
"""

import dataclasses
import hashlib
import json
from typing import Final

from functions.backfill.rows import PageOfChanges
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.errors import ScanStuck
from lytics_sendgrid.lytics.documents import ScanPage

MAX_RESTARTS: Final = 3
MAX_FRUITLESS: Final = 8
"""Invocations in a row without one page: nearly two hours at 14 minutes each, as long as Lytics retries webhooks."""


def advanced(checkpoint: Checkpoint, page: ScanPage, meaning: PageOfChanges, answered_ns: int) -> Checkpoint:
    """Return the checkpoint after a page.

    Raises:
        ScanStuck: the page's cursor has come before.
    """
    told = page.total if page.rows else None
    addresses = _addresses(meaning) or checkpoint.addresses
    if meaning.changes and addresses in {checkpoint.addresses, checkpoint.anchor_addresses}:
        # The same people under another cursor. Not counted again, they cannot stand for those who did not come.
        page, meaning = dataclasses.replace(page, rows=()), PageOfChanges((), 0, 0)
    after = dataclasses.replace(
        checkpoint,
        cursor=page.cursor,
        started_ns=answered_ns if checkpoint.started_ns is None else checkpoint.started_ns,
        pages=checkpoint.pages + 1,
        scanned=checkpoint.scanned + len(page.rows),
        without_email=checkpoint.without_email + meaning.without_email,
        bad_email=checkpoint.bad_email + meaning.bad_email,
        smallest=min((n for n in (told, checkpoint.smallest) if n is not None), default=None),
        largest=max((n for n in (page.total, checkpoint.largest) if n is not None), default=None),
        addresses=addresses,
        fruitless=0,
        done=not page.cursor,
    )
    if after.done:
        return after
    if page.cursor in {checkpoint.cursor, checkpoint.anchor}:
        raise ScanStuck(
            f"Lytics' scan repeats its cursor after {after.pages} pages and {after.scanned} rows: start the export "
            f"again, and tell Lytics' support where it repeats"
        )
    if checkpoint.anchor_age + 1 == checkpoint.anchor_span:
        span = checkpoint.anchor_span * 2
        after = dataclasses.replace(after, anchor_addresses=addresses)
        return dataclasses.replace(after, anchor=page.cursor, anchor_age=0, anchor_span=span)
    return dataclasses.replace(after, anchor_age=checkpoint.anchor_age + 1)


def _addresses(meaning: PageOfChanges) -> str:
    """Return a hash of a page's addresses in their order; empty where there are none."""
    if not meaning.changes:
        return ""
    addresses = json.dumps([change.email for change in meaning.changes])
    return hashlib.blake2b(addresses.encode(), digest_size=8).hexdigest()


def restarted(checkpoint: Checkpoint, refusal: str) -> Checkpoint:
    """Return the checkpoint of a scan that begins anew, because Lytics no longer takes its cursor.

    Messages that were queued stay expected: what they say was true, and everybody in them comes again.

    Raises:
        ScanStuck: it has begun anew too often.
    """
    if checkpoint.restarts >= MAX_RESTARTS:
        raise ScanStuck(
            f"Lytics refused the scan's cursor {checkpoint.restarts + 1} times, last after {checkpoint.pages} pages "
            f"({refusal}): start the export again when Lytics is less busy"
        )
    return Checkpoint(restarts=checkpoint.restarts + 1, expected=checkpoint.expected)


def rested(checkpoint: Checkpoint, reason: str) -> Checkpoint:
    """Return the checkpoint after an invocation that read no page.

    Raises:
        ScanStuck: too many in a row read none.
    """
    if checkpoint.fruitless + 1 >= MAX_FRUITLESS:
        raise ScanStuck(
            f"Lytics has not answered the scan for {MAX_FRUITLESS} invocations ({reason}): start the export again "
            f"when Lytics answers"
        )
    return dataclasses.replace(checkpoint, fruitless=checkpoint.fruitless + 1)


def with_messages(checkpoint: Checkpoint, prefix: str, messages: int) -> Checkpoint:
    """Return the checkpoint with the messages of one invocation expected; an earlier count of its prefix is replaced."""
    others = tuple(entry for entry in checkpoint.expected if entry[0] != prefix)
    return dataclasses.replace(checkpoint, expected=(*others, (prefix, messages)) if messages else others)
