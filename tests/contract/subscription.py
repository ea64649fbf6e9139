"""A webhook job that a test creates in the Lytics twin, and its counts."""

from typing import Any

import requests

from tests.local.lytics_twin.receiver import Receiver
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin

Json = dict[str, Any]


def subscribe(twin: LyticsTwin, receiver: Receiver, *audiences: str, **config: Any) -> str:
    """Create a job for these audiences and return its id."""
    headers = {"Authorization": DEFAULT_TOKEN}
    auth_ids = config.pop("auth_ids", [])
    body = {"segment_ids": list(audiences), "webhook_url": receiver.url, "worker_count": 1, **config}
    answer = requests.post(
        twin.url + "/v2/job/webhook-triggers",
        json={"name": "SendGrid export", "auth_ids": auth_ids, "config": body},
        headers=headers,
        timeout=5,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


def status(twin: LyticsTwin) -> str:
    return twin.jobs()[0].status


def counts(twin: LyticsTwin) -> Json:
    job_counts: Json = twin.state()["jobs"][0]["counts"]
    return job_counts
