"""What goes wrong, how often, and how fast time passes meanwhile.

The protocol counts on one thing: that no import job of a request that nobody follows is under way any more when the
refresh delay is over. AWS' 900 seconds are 10 here, so a request that hangs and works afterwards (11 s, and 2 for its
job) is over 10 s after the client's own time-out, and jobs that are late by more than the delay (16 s), which `confirm`
notices, come in another act than answers that are lost.
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
"""Of these, 20 s are kept for the commit, so SendGrid has 10 s to answer in the place of 25."""
VISIBILITY_S: Final = {"ChangesQueueUrl": 32, "ImportsQueueUrl": 20}
"""When a message comes back whose consumer died, or still works: then two work on it, which is harmless."""
_PUT: Final = "PUT /v3/marketing/contacts"
_JOB: Final = "GET /v3/marketing/contacts/imports/*"
_CONTACTS: Final = "* /v3/marketing/contacts*"

REFUSED: Final = r"[.+]\d*777@"
"""Addresses that SendGrid refuses at once, and with them the whole request: one person in a thousand."""
FAILING: Final = r"[.+]\d*555@"
"""Addresses whose row every import job refuses: another one in a thousand."""
SENDGRID: Final = Options(
    job_delay_s=0.3,
    job_jitter_s=1.5,
    job_parts=3,
    job_report_lag_s=0.2,
    job_ttl_s=30,
    job_forgotten_s=110,  # a job is taken to never end after 80
    refuse_emails=REFUSED,
    fail_emails=FAILING,
    named_bad_emails=2,
)

_ALWAYS: Final = (
    Fault(kind=FaultKind.RATE_LIMITED, on=_CONTACTS, rate=0.02, burst=4, seconds=2),
    Fault(kind=FaultKind.SERVER_ERROR, on=_CONTACTS, rate=0.05, burst=2),
    Fault(kind=FaultKind.SERVER_ERROR, on=_CONTACTS, rate=0.03, status=503),
    Fault(kind=FaultKind.DROP_BEFORE, on=_CONTACTS, rate=0.04),
    # Fields, segments, lists: a dozen requests in a row, and the run may begin each task nine times.
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
    """Scale down what the template has no parameter for: time-outs of functions, and when messages come back."""
    functions, sqs = deployment.cloud.client("lambda"), deployment.cloud.client("sqs")
    for verb, seconds in TIMEOUTS_S.items():
        functions.update_function_configuration(FunctionName=f"{deployment.stack}-{verb}", Timeout=seconds)
    for output, seconds in VISIBILITY_S.items():
        sqs.set_queue_attributes(
            QueueUrl=deployment.outputs[output], Attributes={"VisibilityTimeout": str(seconds)}
        )
