"""The faults of the chaos test, their rates, and its shortened delays.

The protocol relies on one assumption: when the refresh delay ends, SendGrid has processed every import job
whose id was lost. The delay is 900 seconds on AWS and 10 here. A request that hangs for 11 s, with 2 s for
its job, is processed within 10 s after the client's timeout. Jobs that are late by more than the delay (16
s) are for `confirm` to notice, so they occur in another phase than lost answers.
"""

from typing import Any, Final

from tests.local.deployment import Deployment
from tests.local.sendgrid_twin.options import Fault, FaultKind, Options

PARAMETERS: Final = {
    "DeliverBatchingWindowSeconds": "1",
    "ConfirmDelaySeconds": "1",
    "RefreshDelaySeconds": "10",
    "StopRetrySeconds": "10",
}
TIMEOUTS_S: Final = {"deliver": 30}
"""The function keeps 20 s for the commit, so SendGrid has 10 s to answer instead of 25."""
VISIBILITY_S: Final = {"ChangesQueueUrl": 32, "ImportsQueueUrl": 20}
"""When a message becomes visible again. If its consumer still runs, two process it, which is harmless."""
_PUT: Final = "PUT /v3/marketing/contacts"
_JOB: Final = "GET /v3/marketing/contacts/imports/*"
_CONTACTS: Final = "* /v3/marketing/contacts*"

REFUSED: Final = r"[.+]\d*777@"
"""Addresses for which SendGrid refuses the whole request: one person in a thousand."""
FAILING: Final = r"[.+]\d*555@"
"""Addresses whose rows fail in import jobs: another person in a thousand."""
SENDGRID: Final = Options(
    job_delay_s=0.3,
    job_jitter_s=1.5,
    job_parts=3,
    job_report_lag_s=0.2,
    job_ttl_s=30,
    job_forgotten_s=110,  # confirm gives a job up after 80 s
    refuse_emails=REFUSED,
    fail_emails=FAILING,
    named_bad_emails=2,
)

_ALWAYS: Final = (
    Fault(kind=FaultKind.RATE_LIMITED, on=_CONTACTS, rate=0.02, burst=4, seconds=2),
    Fault(kind=FaultKind.SERVER_ERROR, on=_CONTACTS, rate=0.05, burst=2),
    Fault(kind=FaultKind.SERVER_ERROR, on=_CONTACTS, rate=0.03, status=503),
    Fault(kind=FaultKind.DROP_BEFORE, on=_CONTACTS, rate=0.04),
    # Fields, segments and lists take a dozen requests in a row, and Step Functions retries each task eight
    # times.
    Fault(kind=FaultKind.SERVER_ERROR, rate=0.03),
    Fault(kind=FaultKind.JOB_FAILED, rate=0.08),
    Fault(kind=FaultKind.JOB_ERRORED, rate=0.06, share=0.01),
)
LOST_ANSWERS: Final = (
    Fault(kind=FaultKind.HANG, on=_PUT, rate=0.04, max_count=5, seconds=11, work="before"),
    Fault(kind=FaultKind.HANG, on=_PUT, rate=0.04, max_count=5, seconds=11, work="after"),
    Fault(kind=FaultKind.HANG, on=_PUT, rate=0.02, max_count=3, seconds=11, work="never"),
    Fault(kind=FaultKind.HANG, on=_JOB, rate=0.02, max_count=3, seconds=27, work="never"),
    Fault(kind=FaultKind.DROP_AFTER, on=_CONTACTS, rate=0.06),
    Fault(kind=FaultKind.DROP_AFTER, rate=0.03),
    Fault(kind=FaultKind.JOB_NEVER_ENDS, rate=0.1, max_count=2),
    Fault(kind=FaultKind.JOB_NEVER_ENDS, rate=0.1, max_count=2, work="never"),
    *_ALWAYS,
)
LATE_JOBS: Final = (Fault(kind=FaultKind.JOB_LATE, rate=0.1, seconds=16), *_ALWAYS)
LYTICS: Final[dict[str, Any]] = {
    "api_429_rate": 0.04,
    "api_5xx_rate": 0.04,
    "api_html_rate": 0.02,
    "api_truncate_rate": 0.02,
    "api_drop_rate": 0.02,
    "scan_empty_page_every": 9,
    "scan_duplicate_rate": 0.05,
    "shuffle": True,
    "duplicate_rate": 0.1,
}
CALM: Final[dict[str, Any]] = {name: 0.0 for name in LYTICS if name.startswith("api_")}


def hurry(deployment: Deployment) -> None:
    """Shorten function and visibility timeouts, for which the template has no parameter."""
    functions, sqs = deployment.cloud.client("lambda"), deployment.cloud.client("sqs")
    for verb, seconds in TIMEOUTS_S.items():
        functions.update_function_configuration(FunctionName=f"{deployment.stack}-{verb}", Timeout=seconds)
    for output, seconds in VISIBILITY_S.items():
        sqs.set_queue_attributes(
            QueueUrl=deployment.outputs[output], Attributes={"VisibilityTimeout": str(seconds)}
        )
