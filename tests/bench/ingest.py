"""Measure ingest: its cold start compared with a bare boto3 handler, and its own CPU when warm.

    python -m tests.bench.ingest

Each function runs in a process of its own, under AWS's runtime client. AWS is a stub that answers at once.
"""

import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lytics_sendgrid.domain.configuration import Audience, Export, FieldKind, MappedField
from tests.bench.aws_stub import AwsStub
from tests.local.runtime_api import Answer, FunctionProcess

MAX_COLD_START_RATIO: Final = 1.7
"""Compared with a bare handler with one boto3 client: ingest has three clients, and our modules."""
MAX_EVENT_US: Final = 1_600
"""boto3's SendMessage takes two thirds of it, and Lambda's runtime client a third."""
MAX_EVENT_RATIO: Final = 1.25
"""Compared with a bare handler that sends one message: our own code may add a quarter, on any machine."""
MAX_EVENT_OF_ARRAY_US: Final = 40
_TURNS: Final = 5
ROOT: Final = Path(__file__).resolve().parents[2]
SECRET: Final = "a-secret-of-the-bench"
EXPORT: Final = Export(
    name="newsletter",
    authorization="default",
    account="default",
    version=1,
    email_field="email",
    fields=(
        MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
        MappedField("last_name", "last_name", "last_name", FieldKind.TEXT, 50),
        MappedField("city", "e1_T", "city", FieldKind.TEXT, 1000),
        MappedField("lifetime_value", "e2_N", "lifetime_value", FieldKind.NUMBER, 1000),
    ),
    audiences=(Audience("42976a269a5e6b9d06c681b1c27292df", "High value users", "high_value_users"),),
)


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds from the start of the process to the first answer, medians.

    `uncompiled_s` is ingest where Python must compile our modules each time, as on Lambda's read-only disk.
    """

    ingest_s: float
    bare_s: float
    uncompiled_s: float

    @property
    def ratio(self) -> float:
        return self.ingest_s / self.bare_s


@dataclass(frozen=True, slots=True)
class Warm:
    """The process's CPU, user and system, that of Lambda's runtime client included; medians.

    `idle_s` is what an empty handler takes for the same event of one element, and `bare_s` one that only
    sends a message with boto3.
    """

    one_s: float
    idle_s: float
    bare_s: float
    array_s: float
    array_events: int

    @property
    def per_event_of_array_s(self) -> float:
        return self.array_s / self.array_events

    @property
    def ratio(self) -> float:
        return self.one_s / self.bare_s


def measure_cold_start(rounds: int = 20) -> ColdStart:
    """Start ingest and the bare handler by turns and compare their first answers."""
    event = proxy_event(body_of(1))
    taken: dict[str, list[float]] = {"ingest": [], "bare": [], "uncompiled": []}
    with AwsStub(EXPORT, SECRET) as aws, tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        for part in ("functions", "layers/lytics_sendgrid"):
            shutil.copytree(ROOT / part, sources / part, ignore=shutil.ignore_patterns("__pycache__"))
        for number in range(rounds + 1):
            for name, function in (
                ("ingest", _ingest(aws)),
                ("bare", _bare(aws, "app.lambda_handler")),
                ("uncompiled", _ingest(aws, sources, {"PYTHONDONTWRITEBYTECODE": "1"})),
            ):
                with function:
                    answer = _invoke(function, event)
                if number:  # the first may have to compile, and reads from the disk
                    taken[name].append(answer.seconds)
    return ColdStart(*(statistics.median(taken[name]) for name in ("ingest", "bare", "uncompiled")))


def measure_warm(rounds: int = 200, array_events: int = 1000) -> Warm:
    """Measure the CPU of warm invocations, with one event and with an array of them.

    The handlers take turns, so that a busy machine slows them all.
    """
    event, array = proxy_event(body_of(1)), proxy_event(body_of(array_events))
    taken: dict[str, list[float]] = {"ingest": [], "idle": [], "bare": []}
    with (
        AwsStub(EXPORT, SECRET) as aws,
        _bare(aws, "idle.lambda_handler") as idle,
        _bare(aws, "app.lambda_handler") as bare,
        _ingest(aws) as ingest,
    ):
        for _ in range(_TURNS):
            for name, function in (("idle", idle), ("bare", bare), ("ingest", ingest)):
                taken[name] += _cpu(function, event, rounds // _TURNS)
        array_s = statistics.median(_cpu(ingest, array, max(10, rounds // 10)))
    one_s, idle_s, bare_s = (statistics.median(taken[name]) for name in ("ingest", "idle", "bare"))
    return Warm(one_s, idle_s, bare_s, array_s, array_events)


def body_of(events: int) -> str:
    """Write a webhook body: the one envelope, or an array of them, each with a dozen fields."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    envelopes: list[dict[str, Any]] = [
        {
            "id": str(15761203643149024539 + number),
            "data": {
                "_id": str(15761203643149024539 + number),
                "_created": "2020-07-15T08:55:43.041-07:00",
                "_num_events": 1,
                "channels": ["web"],
                "city": "Portland",
                "email": f"person{number}@example.com",
                "first_name": "Ottilie",
                "last_name": "Aldermann",
                "lifetime_value": 120.5,
                "score_frequency": 99,
                "segment_events": [
                    {
                        "id": EXPORT.audiences[0].id,
                        "event": "enter",
                        "slug": EXPORT.audiences[0].slug,
                        "enter": now,
                    }
                ],
                "user_attributes": {"value": "681"},
            },
            "meta": {
                "object": "user",
                "subscription_id": "36e243f8fd8f4530bbd330fa7fb1a685",
                "timestamp": now,
            },
        }
        for number in range(events)
    ]
    return json.dumps(envelopes[0] if events == 1 else envelopes)


def proxy_event(body: str) -> bytes:
    """Write the event of `events/apigw/enter.json`, with this body and the bench's secret."""
    event = json.loads((ROOT / "events" / "apigw" / "enter.json").read_text())
    event["headers"]["X-Lytics-Secret"] = SECRET
    event["multiValueHeaders"]["X-Lytics-Secret"] = [SECRET]
    return json.dumps({**event, "body": body}).encode()


def report(cold: ColdStart, warm: Warm) -> dict[str, float]:
    """Return the figures, each beside its bound, in the units of the bounds."""
    return {
        "cold_start_ms": round(cold.ingest_s * 1e3, 1),
        "bare_cold_start_ms": round(cold.bare_s * 1e3, 1),
        "cold_start_ratio": round(cold.ratio, 2),
        "cold_start_ratio_at_most": MAX_COLD_START_RATIO,
        "cold_start_uncompiled_ms": round(cold.uncompiled_s * 1e3, 1),
        "one_event_us": round(warm.one_s * 1e6),
        "one_event_us_at_most": MAX_EVENT_US,
        "bare_event_us": round(warm.bare_s * 1e6),
        "event_ratio": round(warm.ratio, 2),
        "event_ratio_at_most": MAX_EVENT_RATIO,
        "of_which_runtime_client_us": round(warm.idle_s * 1e6),
        "event_of_array_us": round(warm.per_event_of_array_s * 1e6, 1),
        "event_of_array_us_at_most": MAX_EVENT_OF_ARRAY_US,
    }


def _ingest(
    aws: AwsStub, sources: Path = ROOT, environment: Mapping[str, str] | None = None
) -> FunctionProcess:
    queue = f"{aws.url}/000000000000/changes"
    return _process(
        "functions.ingest.app.lambda_handler",
        sources,
        {
            **_aws(aws),
            "PYTHONPATH": os.pathsep.join([str(sources), str(sources / "layers" / "lytics_sendgrid")]),
            "CHANGES_QUEUE_URL": queue,
            "REJECTS_QUEUE_URL": queue,
            "EXPORTS_TABLE": "exports",
            "SECRET_PREFIX": "bench",
            **(environment or {}),
        },
    )


def _bare(aws: AwsStub, handler: str) -> FunctionProcess:
    queue = f"{aws.url}/000000000000/changes"
    return _process(handler, ROOT / "tests" / "bench" / "bare", {**_aws(aws), "CHANGES_QUEUE_URL": queue})


def _aws(aws: AwsStub) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }


def _process(handler: str, code: Path, environment: Mapping[str, str]) -> FunctionProcess:
    python = Path(os.environ.get("RUNTIME_PYTHON") or ROOT / ".venv-runtime" / "bin" / "python")
    return FunctionProcess(handler, code, python=python, environment=environment, memory_mb=1024)


def _cpu(function: FunctionProcess, event: bytes, rounds: int) -> list[float]:
    """Return the CPU of each round, in seconds."""
    for _ in range(5):
        _invoke(function, event)
    taken = []
    for _ in range(rounds):
        before = function.cpu_seconds()
        _invoke(function, event)
        taken.append(function.cpu_seconds() - before)
    return taken


def _invoke(function: FunctionProcess, event: bytes) -> Answer:
    answer = function.invoke(event)
    if answer.failed or json.loads(answer.payload)["statusCode"] != 200:
        raise RuntimeError(f"the function failed: {answer.payload.decode()}")
    return answer


if __name__ == "__main__":
    print(json.dumps(report(measure_cold_start(), measure_warm()), indent=2))
