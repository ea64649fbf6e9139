"""AWS's list prices in us-east-1, in dollars, without free tiers, discounts and taxes.

As of 2026-11-23, from AWS's price pages (aws.amazon.com/<service>/pricing) as public copies and digests of
this year quote them; AWS's own pages and price list were not read. Bills differ: check before a budget hangs
on them.
"""

from typing import Final

MILLION: Final = 1e6
GB: Final = 2**30

GATEWAY_REQUEST: Final = 3.50 / MILLION
"""A REST API's request, the first 333 million a month."""
LAMBDA_REQUEST: Final = 0.20 / MILLION
LAMBDA_GB_SECOND: Final = 0.0000166667
"""x86, billed by the millisecond."""
SQS_REQUEST: Final = 0.40 / MILLION
"""A standard queue's; every 64 KB of payload is one."""
DYNAMODB_WRITE_UNIT: Final = 0.625 / MILLION
"""On demand, since November 2024."""
DYNAMODB_READ_UNIT: Final = 0.125 / MILLION
STATE_TRANSITION: Final = 25.0 / MILLION
SECRET_CALL: Final = 0.05 / 10_000
LOG_BYTE: Final = 0.50 / GB
"""CloudWatch Logs, taken in."""

SECRET_MONTH: Final = 0.40
ALARM_MONTH: Final = 0.10
METRIC_MONTH: Final = 0.30
EMPTY_POLLS_MONTH: Final = 5 * 3 * 60 * 24 * 30
"""Of one queue: Lambda's five pollers, each with a long poll of 20 s after the other."""

# What cannot be measured here, and is assumed where dollars are reckoned.
LYTICS_PAGE_S: Final = 0.5
"""Until Lytics answers for a page of 100; backfill is billed while it waits."""
PUT_S: Final = 2.0
"""Until SendGrid answers a PUT; deliver is billed while it waits."""
AWS_CALL_S: Final = 0.008
"""Until DynamoDB or SQS answers; deliver has eight calls under way at a time, ingest one."""
PLATFORM_LOG_BYTES: Final = 400
"""Lambda's own START, END and REPORT lines of an invocation."""
ACCESS_LOG_BYTES: Final = 300
"""The gateway's line of a request."""
EVENTS_A_BATCH: Final = 1_000
"""How many events that come alone deliver finds together: 200 a second with a window of 5 s."""
