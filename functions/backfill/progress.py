"""Advance a scan's checkpoint page by page, restart it, and stop a scan that cannot finish.

A scan pages through an audience's members with cursors. Lytics documents only that a cursor must be recent
(V1 OpenAPI). So a repeated cursor stops the scan, a refused cursor restarts it, and an empty cursor ends it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from typing import Final

from functions.backfill.rows import LAG_NS, PageContents
from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.checkpoint import Checkpoint, Paging
from lytics_sendgrid.errors import ScanStuck
from lytics_sendgrid.lytics.documents import ScanPage

MAX_RESTARTS: Final = 3
MAX_IDLE_INVOCATIONS: Final = 8
"""Invocations in a row without a page. At 14 minutes each, nearly two hours: as long as Lytics retries."""
SAMPLE: Final = 20
_TROUBLE_CHARS: Final = 600


def begun(checkpoint: Checkpoint, email_fields: Iterable[tuple[str, str]], now_s: int) -> Checkpoint:
    """Return the checkpoint of a scan that begins now.

    Args:
        checkpoint: without pages.
        email_fields: each export that has the audience, and its e-mail field.
        now_s: our clock, Unix seconds.
    """
    return dataclasses.replace(checkpoint, email_fields=tuple(email_fields), began_s=now_s)


def stamped(checkpoint: Checkpoint, page_ns: int) -> Checkpoint:
    """Return the checkpoint after an answer of Lytics, the first of which dates the scan."""
    stamp_ns = page_ns - LAG_NS if checkpoint.stamp_ns is None else checkpoint.stamp_ns
    return dataclasses.replace(checkpoint, stamp_ns=stamp_ns, fruitless=0)


def advanced[P: Paging](paging: P, page: ScanPage, contents: PageContents) -> P:
    """Return how far a scan, or one part of it, is after a page.

    Raises:
        ScanStuck: an earlier page had the same cursor.
    """
    total = page.total if page.rows else None
    addresses = _addresses(contents) or paging.addresses
    if contents.seen and addresses in {paging.addresses, paging.anchor_addresses}:
        # The same people under another cursor. Counted twice, they would hide that others are missing.
        page, contents = dataclasses.replace(page, rows=()), PageContents()
    after = dataclasses.replace(
        paging,
        cursor=page.cursor,
        pages=paging.pages + 1,
        scanned=paging.scanned + len(page.rows),
        without_email=paging.without_email + contents.without_email,
        bad_email=paging.bad_email + contents.bad_email,
        smallest=min((n for n in (total, paging.smallest) if n is not None), default=None),
        largest=max((n for n in (page.total, paging.largest) if n is not None), default=None),
        addresses=addresses,
        done=not page.cursor,
    )
    if after.done:
        return after
    if page.cursor in {paging.cursor, paging.anchor}:
        raise ScanStuck(
            f"Lytics' scan repeats its cursor after {after.pages} pages and {after.scanned} rows: start the "
            "export again. If it happens again, report these numbers to Lytics' support"
        )
    if paging.anchor_age + 1 == paging.anchor_span:
        span = paging.anchor_span * 2
        after = dataclasses.replace(after, anchor_addresses=addresses)
        return dataclasses.replace(after, anchor=page.cursor, anchor_age=0, anchor_span=span)
    return dataclasses.replace(after, anchor_age=paging.anchor_age + 1)


def _addresses(contents: PageContents) -> str:
    """Return a hash of a page's addresses in their order; empty if the page has none."""
    if not contents.seen:
        return ""
    addresses = json.dumps([email for email, _ in contents.seen])
    return hashlib.blake2b(addresses.encode(), digest_size=8).hexdigest()


def restarted(checkpoint: Checkpoint, refusal: str) -> Checkpoint:
    """Return the checkpoint of a scan that restarts because Lytics refused its cursor.

    It has seen nobody. The run still waits for the messages that are queued.

    Raises:
        ScanStuck: the scan has restarted too often.
    """
    if checkpoint.restarts >= MAX_RESTARTS:
        raise ScanStuck(
            f"Lytics refused the scan's cursor {checkpoint.restarts + 1} times, last after "
            f"{checkpoint.pages} pages ({refusal}): start the export again when Lytics is less busy"
        )
    return Checkpoint(whole=checkpoint.whole, restarts=checkpoint.restarts + 1, expected=checkpoint.expected)


def scanned_whole(checkpoint: Checkpoint, reason: str) -> Checkpoint:
    """Return the checkpoint of a scan that restarts as a whole because it cannot be read in parts."""
    return Checkpoint(whole=shortened(reason, _TROUBLE_CHARS), expected=checkpoint.expected)


def in_trouble(checkpoint: Checkpoint, reason: str) -> Checkpoint:
    """Return the checkpoint of an audience that cannot be scanned."""
    return dataclasses.replace(checkpoint, trouble=shortened(reason, _TROUBLE_CHARS))


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


def with_chunk(checkpoint: Checkpoint, hashes: int) -> Checkpoint:
    """Return the checkpoint that counts one more chunk of hashes."""
    return dataclasses.replace(checkpoint, seen=checkpoint.seen + hashes, chunks=checkpoint.chunks + 1)


def sampled(checkpoint: Checkpoint, seen: Iterable[tuple[str, bool]]) -> Checkpoint:
    """Return the checkpoint with a sample of the people seen so far, those with capitals first."""
    sample = dict(checkpoint.sample)
    if sum(sample.values()) >= SAMPLE:
        return checkpoint
    sample |= {email: capitals for email, capitals in seen if capitals or len(sample) < SAMPLE}
    capitals_first = sorted(sample.items(), key=lambda one: not one[1])
    return dataclasses.replace(checkpoint, sample=tuple(capitals_first[:SAMPLE]))
