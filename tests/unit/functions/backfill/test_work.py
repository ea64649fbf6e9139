"""What a scan reads and queues follows from the configuration."""

import dataclasses

import pytest

from functions.backfill.state import ScanRequest
from functions.backfill.work import work_of
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.errors import StopRun
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.unit.functions.backfill.test_progress import AUDIENCE, EXPORT

SINCE_NS = 1_700_000_000_000_000_000
OFFERS = dataclasses.replace(EXPORT, name="offers", email_field="work_email", audiences=())


def account(*exports: str) -> Account:
    provisioned = ProvisionedAudience("lytics_segments", None, None, exports, since_ns=SINCE_NS)
    return Account("main", 1, audiences={AUDIENCE: provisioned})


def request(*, second: bool = False, **more: object) -> ScanRequest:
    head = {"run": "run-1", "export": "newsletter", "authorization": "default", "number": 3}
    return ScanRequest.read({**head, "audience": {"id": AUDIENCE, **more}, "second": second})


def test_first_scan_queues_enters_with_the_least_time_that_counts() -> None:
    configurations = exports_table(DynamoDb(), EXPORT, OFFERS, account("offers", "gone", "newsletter"))
    work = work_of(request(requests=4), configurations, "3.a")
    assert (work.enter_ns, work.requests, work.queues, work.scan) == (SINCE_NS + 1, 4, True, 0)
    assert work.email_fields == (("newsletter", "email"), ("offers", "work_email"))
    assert (work.name, work.prefix) == ("High Value Users", "3.a")


def test_second_scan_is_whole_and_queues_nobody() -> None:
    work = work_of(request(requests=4, second=True), exports_table(DynamoDb(), EXPORT), "3.a")
    assert (work.requests, work.queues, work.scan) == (1, False, 1)


def test_audience_that_is_not_provisioned_yet_has_the_exports_own_field() -> None:
    work = work_of(request(), exports_table(DynamoDb(), EXPORT), "3.a")
    assert (work.enter_ns, work.email_fields) == (1, (("newsletter", "email"),))


def test_audience_of_other_exports_is_read_but_not_queued() -> None:
    without = dataclasses.replace(EXPORT, audiences=())
    configurations = exports_table(DynamoDb(), without, OFFERS, account("offers"))
    work = work_of(request(queues=False), configurations, "3.a")
    assert (work.queues, work.name, work.email_fields) == (False, "", (("offers", "work_email"),))
    with pytest.raises(StopRun, match="no such audience"):
        work_of(request(), configurations, "3.a")


def test_unknown_export_stops_the_run() -> None:
    with pytest.raises(StopRun, match="'newsletter' has no such audience"):
        work_of(request(queues=False), exports_table(DynamoDb()), "3.a")
