"""SendGrid's contacts: upserts (``PUT /v3/marketing/contacts``) and the import jobs that process them."""

import math
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Final, Protocol

from lytics_sendgrid.aws.secret import REFRESH_S, REFUSED_REFRESH_S, Authorization
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.retry_after import retry_after_s
from lytics_sendgrid.errors import AnswerLost, KeyRefused, RetryLater, ServiceUnavailable
from lytics_sendgrid.sendgrid.import_job import Job, job_from
from lytics_sendgrid.sendgrid.upsert_answer import (
    Busy,
    Unanswered,
    Verdict,
    busy_until,
    exhausted_until,
    interpret,
)
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.transport.client import Http, VendorHttp, escaped
from lytics_sendgrid.transport.download import download, is_local
from lytics_sendgrid.transport.renewed_key import RenewedKeyHttp

PATH: Final = "/v3/marketing/contacts"
MAX_ERRORS_FILE_BYTES: Final = 100_000_000
"""A job has at most 30,000 rows, so a larger file cannot be its errors file."""
MAX_WAIT_S: Final = 900.0
"""A later reset of the rate limit is not trusted: one in milliseconds, say, would block this process
forever."""


class SendGridContacts:
    """Contacts and import jobs of one SendGrid account."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._not_before_epoch_s = -math.inf

    def not_before(self) -> float:
        """Return when the next request may start, Unix seconds.

        In the past unless the rate limit is used up.
        """
        return self._not_before_epoch_s

    def upsert(self, body: bytes, timeout_s: float) -> Verdict:
        """Send one batch and return the verdict. No fault raises.

        Args:
            body: the JSON of the request.
            timeout_s: how long sending it and receiving the answer may take together.
        """
        try:
            answer = self._http.request("PUT", PATH, body=body, timeout_s=timeout_s)
        except ServiceUnavailable as error:
            return Busy(str(error))
        except AnswerLost as error:
            return Unanswered(str(error))
        verdict = interpret(answer)
        if isinstance(verdict, Busy):
            until = busy_until(answer.headers, self._clock.now())
        else:
            until = exhausted_until(answer.headers)
        if until is not None:
            self._not_before_epoch_s = min(until, self._clock.now() + MAX_WAIT_S)
        return verdict

    def job(self, job_id: str) -> Job:
        """Return the state of an import job.

        Raises:
            KeyRefused: SendGrid refused the key.
            RetryLater: SendGrid did not answer, or not with a job.
        """
        answer = self._http.request("GET", f"{PATH}/imports/{escaped(job_id)}")
        if answer.status == 404:
            return Job("unknown")
        if answer.status in (401, 403):
            raise KeyRefused(f"SendGrid refused the API key for an import job: {answer.status}")
        if answer.status != 200:
            wait_s = retry_after_s(answer.headers, self._clock.now())
            raise RetryLater(f"SendGrid answered {answer.status} for an import job", wait_s)
        return job_from(answer.json())

    def errors_file(self, url: str) -> Iterator[bytes]:
        """Yield an import job's errors file, part by part. The URL is signed, so the API key is not sent.

        The file may be on this machine only if SendGrid (its twin) is.

        Raises:
            RequestRefused: there is no file (any more), or the URL may not be fetched.
            RetryLater: the download is incomplete.
        """
        yield from download(
            url, MAX_ERRORS_FILE_BYTES, self._clock, allow_local=is_local(self._http.base_url)
        )


def sendgrid_http(base_url: str, api_key: str) -> VendorHttp:
    """Return an HTTP client for one SendGrid account."""
    return VendorHttp(base_url, {"Authorization": f"Bearer {api_key}"}, SystemClock())


class Keys(Protocol):
    """Authorizations by name."""

    def authorization(self, name: str, max_age_s: float) -> Authorization: ...  # noqa: D102


def sendgrid_contacts(url: str, keys: Keys, name: str) -> SendGridContacts:
    """Return the contacts of an authorization's account. A refused key is read again, at most every 30 s."""
    clock = SystemClock()
    http = RenewedKeyHttp(
        url.rstrip("/"),
        lru_cache(2)(partial(sendgrid_http, url)),
        lambda: keys.authorization(name, REFRESH_S).sendgrid_api_key,
        lambda: keys.authorization(name, REFUSED_REFRESH_S).sendgrid_api_key,
        clock,
    )
    return SendGridContacts(http, clock)
