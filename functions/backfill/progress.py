"""Advance a scan's checkpoint page by page, and stop a scan that cannot finish.

A scan pages through an audience's members with cursors. Lytics documents only that a cursor must be recent
(V1 OpenAPI). So a repeated cursor stops the scan, a refused cursor restarts it, and an empty cursor ends it.
"""

import dataclasses
import hashlib
import json
from typing import Final

from functions.backfill.rows import LAG_NS, PageOfChanges
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.errors import ScanStuck
from lytics_sendgrid.lytics.documents import ScanPage

MAX_RESTARTS: Final = 3
MAX_IDLE_INVOCATIONS: Final = 8
"""Invocations in a row without a page. At 14 minutes each, nearly two hours: as long as Lytics retries."""


def advanced(checkpoint: Checkpoint, page: ScanPage, contents: PageOfChanges, answered_ns: int) -> Checkpoint:
    """Return the checkpoint after a page.

    Raises:
        ScanStuck: an earlier page had the same cursor.
    """
    total = page.total if page.rows else None
    addresses = _addresses(contents) or checkpoint.addresses
    if contents.changes and addresses in {checkpoint.addresses, checkpoint.anchor_addresses}:
        # The same people under another cursor. Counted twice, they would hide that others are missing.
        page, contents = dataclasses.replace(page, rows=()), PageOfChanges((), 0, 0)
    after = dataclasses.replace(
        checkpoint,
        cursor=page.cursor,
        stamp_ns=answered_ns - LAG_NS if checkpoint.stamp_ns is None else checkpoint.stamp_ns,
        pages=checkpoint.pages + 1,
        scanned=checkpoint.scanned + len(page.rows),
        without_email=checkpoint.without_email + contents.without_email,
        bad_email=checkpoint.bad_email + contents.bad_email,
        smallest=min((n for n in (total, checkpoint.smallest) if n is not None), default=None),
        largest=max((n for n in (page.total, checkpoint.largest) if n is not None), default=None),
        addresses=addresses,
        fruitless=0,
        done=not page.cursor,
    )
    if after.done:
        return after
    if page.cursor in {checkpoint.cursor, checkpoint.anchor}:
        raise ScanStuck(
            f"Lytics' scan repeats its cursor after {after.pages} pages and {after.scanned} rows: start the "
            "export again. If it happens again, report these numbers to Lytics' support"
        )
    if checkpoint.anchor_age + 1 == checkpoint.anchor_span:
        span = checkpoint.anchor_span * 2
        after = dataclasses.replace(after, anchor_addresses=addresses)
        return dataclasses.replace(after, anchor=page.cursor, anchor_age=0, anchor_span=span)
    return dataclasses.replace(after, anchor_age=checkpoint.anchor_age + 1)


def _addresses(contents: PageOfChanges) -> str:
    """Return a hash of a page's addresses in their order; empty if the page has none."""
    if not contents.changes:
        return ""
    addresses = json.dumps([change.email for change in contents.changes])
    return hashlib.blake2b(addresses.encode(), digest_size=8).hexdigest()


def restarted(checkpoint: Checkpoint, refusal: str) -> Checkpoint:
    """Return the checkpoint of a scan that starts again because Lytics refused its cursor.

    The run still waits for the messages that are queued.

    Raises:
        ScanStuck: the scan has restarted too often.
    """
    if checkpoint.restarts >= MAX_RESTARTS:
        raise ScanStuck(
            f"Lytics refused the scan's cursor {checkpoint.restarts + 1} times, last after "
            f"{checkpoint.pages} pages ({refusal}): start the export again when Lytics is less busy"
        )
    return Checkpoint(restarts=checkpoint.restarts + 1, expected=checkpoint.expected)


def after_idle_invocation(checkpoint: Checkpoint, reason: str) -> Checkpoint:
    """Return the checkpoint after an invocation that read no page.

    Raises:
        ScanStuck: too many invocations in a row read none.
    """
    if checkpoint.fruitless + 1 >= MAX_IDLE_INVOCATIONS:
        raise ScanStuck(
            f"Lytics has not answered the scan for {MAX_IDLE_INVOCATIONS} invocations ({reason}): start the "
            "export again when Lytics answers"
        )
    return dataclasses.replace(checkpoint, fruitless=checkpoint.fruitless + 1)


def with_messages(checkpoint: Checkpoint, prefix: str, messages: int) -> Checkpoint:
    """Return the checkpoint that expects one invocation's messages. Their count replaces an earlier one."""
    others = tuple(entry for entry in checkpoint.expected if entry[0] != prefix)
    return dataclasses.replace(checkpoint, expected=(*others, (prefix, messages)) if messages else others)
