"""Upsert contacts, ``PUT /v3/marketing/contacts``, and ask for the import jobs that carry them."""

import math
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import AnswerLost, KeyRefused, RetryLater, ServiceUnavailable
from lytics_sendgrid.sendgrid.import_job import Job, job_from
from lytics_sendgrid.sendgrid.upsert_answer import Busy, Unanswered, Verdict, exhausted_until, interpret
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.transport.client import VendorHttp
from lytics_sendgrid.transport.download import download, is_local

PATH: Final = "/v3/marketing/contacts"
MAX_ERRORS_FILE_BYTES: Final = 100_000_000
"""A job carries 30,000 rows: a file that is larger is none that we asked for."""
LONGEST_WAIT_S: Final = 900.0
"""No reset is believed that is further away: one in milliseconds, say, would end this process' work for good."""


class SendGridContacts:
    """SendGrid's contacts, to be written to, and its import jobs."""

    def __init__(self, http: VendorHttp, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._not_before_epoch_s = -math.inf

    def not_before(self) -> float:
        """Return when the next request may start, Unix seconds: in the past, unless the rate limit is used up."""
        return self._not_before_epoch_s

    def upsert(self, body: bytes, timeout_s: float) -> Verdict:
        """Send one request and tell what came of it; every fault is a verdict.

        Args:
            body: what ``request_body`` wrote.
            timeout_s: how long sending it, and waiting for an answer, may take together.
        """
        try:
            answer = self._http.request("PUT", PATH, body=body, timeout_s=timeout_s)
        except ServiceUnavailable as error:
            return Busy(str(error))
        except AnswerLost as error:
            return Unanswered(str(error))
        verdict = interpret(answer)
        until = verdict.until_epoch_s if isinstance(verdict, Busy) else exhausted_until(answer.headers)
        if until is not None:
            self._not_before_epoch_s = min(until, self._clock.now() + LONGEST_WAIT_S)
        return verdict

    def job(self, job_id: str) -> Job:
        """Return what SendGrid says of an import job.

        Raises:
            KeyRefused: the key was refused.
            RetryLater: SendGrid did not answer, or with something that is no job.
        """
        answer = self._http.request("GET", f"{PATH}/imports/{quote(job_id, safe='')}")
        if answer.status == 404:
            return Job("unknown")
        if answer.status in (401, 403):
            raise KeyRefused(f"SendGrid refused the key when asked for an import job: {answer.status}")
        if answer.status != 200:
            raise RetryLater(f"SendGrid answered {answer.status} when asked for an import job")
        return job_from(answer.json())

    def errors_file(self, url: str) -> Iterator[bytes]:
        """Download an import job's errors file, part by part, without our key: its address is signed.

        Only where SendGrid itself is on this machine may the file be, too.

        Raises:
            RequestRefused: there is nothing at the address (any more), or it is none that may be fetched.
            RetryLater: it could not be downloaded whole.
        """
        yield from download(
            url, MAX_ERRORS_FILE_BYTES, self._clock, allow_local=is_local(self._http.base_url)
        )


def sendgrid_http(base_url: str, api_key: str) -> VendorHttp:
    """Make the HTTP client of one SendGrid account."""
    return VendorHttp(base_url, {"Authorization": f"Bearer {api_key}"}, SystemClock())
