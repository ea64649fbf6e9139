"""Scan an audience and queue everybody in it, over as many invocations as it takes."""

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from typing import Final

from functions.backfill import parts
from functions.backfill.outbox import Outbox, Stores, Work
from functions.backfill.pages import OutOfTimeError, Pages, Scanner, Together
from functions.backfill.progress import (
    advanced,
    after_idle_invocation,
    begun,
    in_trouble,
    restarted,
    scanned_whole,
    stamped,
)
from functions.backfill.rows import PageContents, Reading, contents_of, page_time_ns
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.errors import RequestRefused, RetryLater, ScanStuck
from lytics_sendgrid.lytics.documents import ScanPage

_COMPARISONS: Final = 3
"""People enter and leave while the totals are read, so one difference is not the last word."""
_GONE: Final = (
    "If somebody deleted the audience in Lytics, start the export again without it. Otherwise start it again "
    "when Lytics answers for the audience"
)


def scan_audience(
    work: Work, scanner: Scanner, stores: Stores, deadline: Deadline, together: Callable[[int], Together]
) -> Checkpoint:
    """Continue a scan until it has ended or the time is nearly up. At least one page is requested.

    An audience that cannot be scanned ends its scan with ``trouble`` in the checkpoint. It is no error,
    because other audiences can be scanned.

    Args:
        work: what to scan.
        scanner: Lytics.
        stores: where to write to.
        deadline: no page is requested after it, except the invocation's first.
        together: makes as many requests as it is given at the same time.

    Returns:
        The checkpoint, as it was written.

    Raises:
        KeyRefused: Lytics refuses the token.
        RetryLater: the queue or the table failed; the next call continues from the checkpoint.
    """
    return _Scan(work, scanner, stores, deadline, together).run()


class _Scan:
    def __init__(
        self,
        work: Work,
        scanner: Scanner,
        stores: Stores,
        deadline: Deadline,
        together: Callable[[int], Together],
    ) -> None:
        self._work = work
        self._scanner = scanner
        self._deadline = deadline
        self._together = together
        self._pages = self._new_pages()
        self._outbox = Outbox(work, stores, deadline.clock)
        self._checkpoint = stores.checkpoints.scan(work.run, work.audience, work.scan) or Checkpoint()
        self._read = 0
        self._reading = self._reading_now()

    def run(self) -> Checkpoint:
        if self._checkpoint.ended:
            return self._checkpoint
        while not self._checkpoint.ended and self._has_time():
            try:
                self._go_on()
            except OutOfTimeError as error:
                if not self._read:
                    self._idle(str(error))
                break
            except (RequestRefused, ScanStuck) as error:
                self._stop(error)
        self._flush()
        return self._checkpoint

    def _new_pages(self) -> Pages:
        return Pages(self._scanner, self._work.audience, self._deadline)

    def _has_time(self) -> bool:
        return not (self._read and self._deadline.has_passed())

    def _go_on(self) -> None:
        if not self._checkpoint.began_s:
            self._begin()
        elif self._checkpoint.parts:
            self._read_parts()
        else:
            self._read_page()

    def _begin(self) -> None:
        now_s = math.floor(self._deadline.clock.now())
        self._checkpoint = begun(self._checkpoint, self._work.email_fields, now_s)
        self._reading = self._reading_now()
        fault = self._fault()
        if fault:
            reason = f"Lytics calls the audience invalid ({fault}): correct it in Lytics"
            self._checkpoint = in_trouble(self._checkpoint, reason)

    def _fault(self) -> str:
        """Return why Lytics calls the audience invalid; empty if it does not, or does not answer."""
        try:
            audience = self._scanner.audience(self._work.audience)
        except (RetryLater, RequestRefused):
            return ""
        return audience.fault if audience else ""

    def _reading_now(self) -> Reading:
        fields = dict.fromkeys(field for _, field in self._checkpoint.email_fields)
        export = self._work.export if self._work.queues else None
        return Reading(self._work.audience, tuple(fields), self._work.enter_ns, export)

    def _read_page(self) -> None:
        checkpoint = self._checkpoint
        page = self._pages.page(checkpoint.cursor, self._reading.lytics_fields)
        self._stamp(page)
        may_divide = not checkpoint.pages and not checkpoint.whole and bool(page.cursor)
        if may_divide and parts.is_worth_dividing(page.total, self._work.requests):
            self._checkpoint = parts.divided(self._checkpoint, page.total or 0, self._work.requests)
            return
        contents = self._contents(page)
        self._checkpoint = advanced(self._checkpoint, page, contents)
        self._take(contents)

    def _read_parts(self) -> None:
        """Read the parts' pages at the same time, one of each part, until the time is nearly up."""
        with self._together(len(self._checkpoint.parts)) as requests:
            try:
                for number, part in enumerate(self._checkpoint.parts):
                    if not part.done:
                        self._request(requests, number, part.cursor)
                while len(requests):
                    number, page = requests.answered()
                    self._stamp(page)
                    if page.cursor and self._has_time():
                        # Lytics answers while this page is queued.
                        self._request(requests, number, page.cursor)
                    self._take_part(number, page)
                if all(part.done for part in self._checkpoint.parts):
                    self._compare(requests)
            finally:
                self._pages.give_up()
                self._pages = self._new_pages()

    def _request(self, requests: Together, number: int, cursor: str) -> None:
        splits, fields = self._checkpoint.parts[number].splits, self._reading.lytics_fields
        requests.start(number, partial(self._pages.page, cursor, fields, splits=splits))

    def _take_part(self, number: int, page: ScanPage) -> None:
        contents = self._contents(page)
        part = advanced(self._checkpoint.parts[number], page, contents)
        self._checkpoint = parts.with_part(self._checkpoint, number, part)
        self._take(contents)
        if parts.have_just_begun(self._checkpoint, number):
            totals = [part.largest for part in self._checkpoint.parts]
            _check(parts.difference(totals, self._checkpoint.counted))

    def _compare(self, requests: Together) -> None:
        """Compare the totals of the parts with the whole's again, and end the scan if there is time."""
        difference = ""
        for _ in range(_COMPARISONS):
            if not self._has_time():
                return
            for number, part in enumerate(self._checkpoint.parts):
                requests.start(number, partial(self._first_row, part.splits))
            totals = [requests.answered()[1].total for _ in self._checkpoint.parts]
            difference = parts.difference(totals, self._first_row("").total)
            if not difference:
                break
        _check(difference or self._checkpoint.mismatch)
        self._checkpoint = dataclasses.replace(self._checkpoint, done=True)

    def _first_row(self, splits: str) -> ScanPage:
        return self._pages.page("", self._reading.own_fields, splits=splits, rows=1)

    def _contents(self, page: ScanPage) -> PageContents:
        return contents_of(page, self._reading, self._page_ns(page))

    def _page_ns(self, page: ScanPage) -> int:
        return page_time_ns(page, math.floor(self._deadline.clock.now()) * NANOSECONDS_PER_S)

    def _stamp(self, page: ScanPage) -> None:
        self._checkpoint = stamped(self._checkpoint, self._page_ns(page))
        self._read += 1

    def _take(self, contents: PageContents) -> None:
        self._outbox.add(contents)
        if self._outbox.is_full():
            self._flush()

    def _flush(self) -> None:
        self._checkpoint = self._outbox.flush(self._checkpoint)

    def _idle(self, reason: str) -> None:
        checkpoint = self._checkpoint
        if checkpoint.parts and not checkpoint.pages:
            self._begin_again(scanned_whole(checkpoint, f"Lytics did not answer for a part ({reason})"))
            return
        try:
            self._checkpoint = after_idle_invocation(checkpoint, reason)
        except ScanStuck as error:
            self._checkpoint = in_trouble(checkpoint, str(error))

    def _stop(self, error: RequestRefused | ScanStuck) -> None:
        """Restart if it was the cursor, or whole if it was the parts. Else the audience is in trouble."""
        checkpoint = self._checkpoint
        reason, what_to_do = str(error), ""
        if isinstance(error, RequestRefused) and checkpoint.pages:
            try:
                after = restarted(checkpoint, reason)
            except ScanStuck as stuck:
                reason = str(stuck)
            else:
                self._begin_again(after)
                return
        elif isinstance(error, RequestRefused):
            what_to_do = f". {_GONE}"
        if checkpoint.parts:
            self._begin_again(scanned_whole(checkpoint, reason))
        else:
            self._checkpoint = in_trouble(checkpoint, reason + what_to_do)

    def _begin_again(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._outbox.forget()
        self._flush()


def _check(difference: str) -> None:
    """Raise ``ScanStuck`` if there is a difference."""
    if difference:
        raise ScanStuck(difference)
