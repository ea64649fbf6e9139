"""How long an event takes until SendGrid accepts its person, on the whole stack: idle, and during a backfill.

The local cloud runs the deployed stack with the batching window of AWS. Events come alone, at an even rate,
from the outside. The clock of each starts when it is due, so a gateway that falls behind counts as well. The
machine runs everything, the two vendors included, so the figures say what the design adds and not how fast
AWS is.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final
from urllib.parse import urlsplit

from tests.bench.figures import Section
from tests.bench.scene import PUT
from tests.local.demo.choices import Choices
from tests.local.demo.stage import Stage, stage
from tests.local.demo.watch import ended
from tests.local.deployment import DELAYS
from tests.local.polling import poll
from tests.local.sendgrid_twin.exchange import Exchange
from tests.local.sendgrid_twin.options import Options
from tests.newsletter import NEWSLETTER

RATE: Final = 100
SECONDS: Final = 60
PAGE_S: Final = 0.25
BACKFILLED: Final = 120_000
"""Four requests are open, and each is answered with 100 people after 250 ms: the scan lasts at least 75 s."""
WINDOW_S: Final = 5
"""The template's default: a test compares them."""
_SCAN: Final = "GET /api/segment/{segment}/scan"
_SENDERS: Final = 24
_TIMEOUT_S: Final = 600.0
_START: Final = {
    "export": NEWSLETTER.name,
    "audiences": [NEWSLETTER.audiences[0].slug],
    "first_name_field": "first_name",
    "last_name_field": "last_name",
}

type Say = Callable[[str], None]


@dataclass(slots=True)
class Accepted:
    """When SendGrid accepted each address first, by the monotonic clock."""

    at_s: dict[str, float] = field(default_factory=dict)

    def record(self, exchange: Exchange) -> None:
        if exchange.endpoint == PUT and exchange.status == 202:
            now_s = time.monotonic()
            for contact in json.loads(exchange.request_body)["contacts"]:
                self.at_s.setdefault(contact["email"], now_s)


def latency(say: Say) -> list[Section]:
    """Measure events at 100 a second for 60 s, twice: idle, and while a backfill runs."""
    accepted = Accepted()
    section = Section(
        "latency",
        f"Event to SendGrid's acceptance: {RATE} events a second for {SECONDS} s, on the local cloud",
        counted=False,
    )
    limits = Options(limits={"*": (1_000_000, 60.0)})
    delays = {**DELAYS, "DeliverBatchingWindowSeconds": str(WINDOW_S)}
    nothing: dict[str, Any] = dict.fromkeys(
        ("report", "sendgrid_url", "lytics_url", "sendgrid_api_key", "lytics_api_token")
    )
    chosen = Choices(people=1, events=0, keep=False, start=dict(_START), **nothing)
    with stage(chosen, say, sendgrid_options=limits, recorder=accepted.record, delays=delays) as running:
        assert running.lytics is not None
        _end(running, running.deployment.start("first", _START))
        say(f"{RATE} events a second for {SECONDS} s, idle")
        _add(section, "idle", *_waits(running, accepted, "idle"))
        say(f"adding {BACKFILLED:,} people to Lytics")
        for number in range(BACKFILLED):
            person = {"email": f"backfilled{number}@example.org", "first_name": "Bo", "last_name": "Ng"}
            running.lytics.add_profile(person, [NEWSLETTER.audiences[0].id])
        running.lytics.set_faults(api_slow_s=PAGE_S)
        backfill = running.deployment.start("second", _START)
        poll(lambda: "backfilled0@example.org" in accepted.at_s or None, "the backfill", _TIMEOUT_S)
        say(f"{RATE} events a second for {SECONDS} s, during a backfill")
        began_s = time.monotonic()
        pages: list[int] = []
        waits = _waits(running, accepted, "busy", lambda: pages.append(_pages(running)))
        _end(running, backfill)
        during = Section("latency_backfill", "The backfill during these events", counted=True)
        during.add(
            "pages read after the last event was due",
            _pages(running) - pages[0],
            limit=1,
            at_least=True,
            how=f"the backfill ran during all of the {SECONDS} s",
        )
        people = [s for email, s in accepted.at_s.items() if email.startswith("backfilled") and s >= began_s]
        _add(section, "during a backfill", *waits)
        during.add(
            "people a second",
            len(people) / (max(people, default=began_s) - began_s or 1.0),
            how=f"Lytics answers each page after {PAGE_S * 1e3:.0f} ms",
        )
    return [section, during]


def _pages(running: Stage) -> int:
    assert running.lytics is not None
    return running.lytics.requests()[_SCAN]


def _add(section: Section, when: str, answered: list[float], accepted: list[float], again: int) -> None:
    queued = [total - until_answer for total, until_answer in zip(accepted, answered, strict=True)]
    for what, seconds, how in (
        ("", accepted, "with what the gateway of this machine takes. Floor: the batching window"),
        (", from the webhook's answer", queued, "queue, window, delivery. Floor: the batching window"),
    ):
        for name, share in (("p50", 0.5), ("p99", 0.99), ("largest", 1.0)):
            floor = share * WINDOW_S
            section.add(f"{when}{what}: {name}", _at(seconds, share), "s", floor=floor, how=how)
    section.add(f"{when}: events that were posted again", again, how="after a 503, a second later")


def _at(seconds: list[float], share: float) -> float:
    return sorted(seconds)[ceil(share * len(seconds)) - 1]


def _waits(
    running: Stage, accepted: Accepted, prefix: str, over: Callable[[], None] = lambda: None
) -> tuple[list[float], list[float], int]:
    """Post events, and wait until SendGrid has accepted all of their people.

    Args:
        running: what runs.
        accepted: when SendGrid accepted whom.
        prefix: of the addresses.
        over: called when the last event is due.

    Returns:
        How long each took until the webhook answered 200, and until SendGrid accepted, and how often the
        webhook answered 503.
    """
    busy: list[str] = []
    senders = threading.local()
    url = urlsplit(running.deployment.webhook(NEWSLETTER.name))
    headers = {"Content-Type": "application/json", "X-Lytics-Secret": running.webhook_secret}
    began_s = time.monotonic() + 1.0
    due = {f"{prefix}{n}@example.org": began_s + n / RATE for n in range(RATE * SECONDS)}

    def post(email: str) -> float:
        if not hasattr(senders, "connection"):
            senders.connection = http.client.HTTPConnection(str(url.netloc), timeout=60)
        time.sleep(max(0.0, due[email] - time.monotonic()))
        while (status := send(_body(email))) == 503:
            busy.append(email)
            time.sleep(1.0)
        if status != 200:
            raise RuntimeError(f"the webhook answered {status}")
        return time.monotonic() - due[email]

    def send(body: str) -> int:
        senders.connection.request("POST", url.path, body, headers)
        answer = senders.connection.getresponse()
        answer.read()
        return int(answer.status)

    timer = threading.Timer(began_s + SECONDS - time.monotonic(), over)
    timer.start()
    with ThreadPoolExecutor(_SENDERS) as pool:
        answered = list(pool.map(post, due))
    timer.join()
    poll(lambda: due.keys() <= accepted.at_s.keys() or None, "SendGrid to accept all events", _TIMEOUT_S)
    return answered, [accepted.at_s[email] - due_s for email, due_s in due.items()], len(busy)


def _body(email: str) -> str:
    """Write an enter of now as Lytics posts it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    audience = NEWSLETTER.audiences[0]
    event = {"id": audience.id, "slug": audience.slug, "event": "enter", "enter": now}
    data = {"email": email, "first_name": "Kim", "last_name": "Li", "segment_events": [event]}
    meta = {"object": "user", "subscription_id": "36e243f8fd8f4530bbd330fa7fb1a685", "timestamp": now}
    return json.dumps({"id": email, "data": data, "meta": meta})


def _end(running: Stage, execution: str) -> None:
    client = running.deployment.cloud.client("stepfunctions")
    finished = poll(lambda: ended(client, execution), "the end of the execution", _TIMEOUT_S)
    if finished.status != "SUCCEEDED":
        raise RuntimeError(f"the execution {finished.status}: {finished.error}")
