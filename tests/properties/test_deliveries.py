"""Tens of thousands of bodies get the documented answer from ingest, and no good element is lost.

The seeds are fixed, so a failure is reproducible; it names its seed.
"""

import base64
import json
import tracemalloc
from collections import Counter
from random import Random
from typing import Any, Final

import pytest

from functions.ingest import app
from functions.ingest.export_cache import ExportCache
from functions.ingest.intake import WebhookIntake
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.queues.rejects import MAX_SINGLE
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.secrets_manager import SecretsManager
from tests.doubles.sqs import Queue
from tests.newsletter import NEWSLETTER
from tests.properties.deliveries import NOW_NS, Expected, change_line, crowded, disfigured, element, mixture

SECRET: Final = "local-webhook-secret"
SEEDS: Final = range(24)
MIXTURES, BROKEN, DISFIGURED, ODD_EVENTS, LARGE = 480, 200, 100, 60, 3
"""How many bodies of each kind a seed makes."""
REASONS: Final = {
    "bad_audience", "bad_email", "bad_segment_event", "bad_time", "future_time", "no_audience", "no_email",
    "not_json", "no_segment_events", "no_time", "unknown_event", "unknown_shape",
}  # fmt: skip


class Scene:
    """The handler with doubles around it."""

    def __init__(self) -> None:
        self.clock = clock = ManualClock(NOW_NS / 1e9)
        self.dynamodb, self.secrets = (
            DynamoDb(),
            SecretsManager({"default/webhook": json.dumps({"webhook_secrets": SECRET})}),
        )
        self.changes, self.rejects = Queue("changes"), Queue("rejects")
        changes, self.changes_sqs = queue_writer(self.changes)
        rejects, self.rejects_sqs = queue_writer(self.rejects)
        self.intake = WebhookIntake(
            ExportCache(exports_table(self.dynamodb, NEWSLETTER), clock),
            Secrets(self.secrets, "stack", clock),
            changes,
            rejects,
            clock,
        )

    def post(self, *, body: str | None, **changed: Any) -> int:
        """Post a body and return the status; the queues hold only its messages."""
        self.changes.messages.clear()
        self.rejects.messages.clear()
        event = {
            "pathParameters": {"export": "newsletter"},
            "headers": {"X-Lytics-Secret": SECRET, "Content-Type": "application/json"},
            "multiValueHeaders": None,
            "requestContext": {"requestId": "r-1"},
            "body": body,
            "isBase64Encoded": False,
        }
        answer = app.lambda_handler(event | changed, None)
        status: int = answer["statusCode"]
        assert set(json.loads(answer["body"])) == {"message"}
        assert ("Retry-After" in answer["headers"]) is False  # AWS never fails here.
        if status != 200:
            assert self.changes.bodies == []
            kept = [json.loads(body)["reason"] for body in self.rejects.bodies]
            assert kept == (["not_json"] if status == 400 else [])
        return status

    def queued(self) -> list[str]:
        return [
            change_line(change.email, change.kind, change.audience, change.time_ns, change.fields)
            for body in self.changes.bodies
            for change in decode(body).changes
        ]

    def rejected(self, expected: int = 0) -> Counter[str]:
        """Count the rejects; if more than 200 are expected, similar ones share a body, as a list."""
        reasons: Counter[str] = Counter()
        for document in map(json.loads, self.rejects.bodies):
            assert document["detail"]
            assert (document["source"], document["export"]) == ("ingest", "newsletter")
            text: str = document["element"]
            elements: list[Any] = [None]
            if expected > MAX_SINGLE and text.startswith("[") and "cut_from_chars" not in document:
                elements = json.loads(text)
            elif text.startswith('{"segment_events"'):
                elements = [json.loads(text)]
            reasons[document["reason"]] += sum(stands_for(one) for one in elements)
        return reasons

    def expect(self, text: str, expected: Expected, **changed: Any) -> None:
        assert self.post(**{"body": text, **changed}) == 200
        assert self.queued() == expected.changes
        assert self.rejected(expected.rejects.total()) == expected.rejects


def stands_for(element: Any) -> int:
    """Return how many segment events an element holds: an envelope's events may be together."""
    match element:
        case {"segment_events": list() as events, "envelope": {}}:
            return len(events)
    return 1


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scene:
    scene = Scene()
    monkeypatch.setattr(app, "intake", lambda: scene.intake)
    return scene


def test_at_least_20_000_bodies_are_posted() -> None:
    assert len(SEEDS) * (MIXTURES + BROKEN + DISFIGURED + ODD_EVENTS + LARGE) >= 20_000


@pytest.mark.parametrize("seed", SEEDS)
def test_good_elements_are_queued_and_bad_ones_rejected_with_reason(scene: Scene, seed: int) -> None:
    random = Random(f"mixture {seed}")
    for _ in range(MIXTURES):
        body = mixture(random, random.choice((1, 1, 2, 3, 5, 8)), expected := Expected())
        scene.expect(body, expected, **random.choice(HOW_IT_COMES)(body))


HOW_IT_COMES: Final[tuple[Any, ...]] = (
    lambda body: {},
    lambda body: {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True},
    lambda body: {"body": "\ufeff" + body, "requestContext": None},
    lambda body: {"headers": None, "multiValueHeaders": {"x-lytics-SECRET": ["old", SECRET], "Accept": []}},
    lambda body: {"headers": {"X-LYTICS-SECRET": SECRET, "": "", "é": "x" * 9_000}, "more": {"a": [1]}},
)


@pytest.mark.parametrize("seed", SEEDS)
def test_large_bodies_are_read_whole(scene: Scene, seed: int) -> None:
    random = Random(f"large {seed}")
    scene.expect(mixture(random, 1_000, expected := Expected()), expected)
    scene.expect(mixture(random, 2, expected := Expected(), large=True), expected)
    scene.expect(crowded(random, expected := Expected()), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_what_is_not_json_is_refused(scene: Scene, seed: int) -> None:
    random = Random(f"broken {seed}")
    for _ in range(BROKEN):
        whole = mixture(random, random.choice((1, 2)), Expected())
        body = random.choice(WAYS_TO_BREAK)(random, whole)
        raw = body.encode()
        if random.random() < 0.2:
            place = random.randrange(len(raw) + 1)
            raw = raw[:place] + random.choice((b"\xff", b"\xed\xa0\x80", b"\xc3")) + raw[place:]
        encoded = base64.b64encode(raw).decode()
        cut = encoded[: -random.randrange(1, 4)] if random.random() < 0.1 else encoded
        assert scene.post(body=cut, isBase64Encoded=True) in statuses_of(raw if cut == encoded else b"")
        assert set(scene.rejected()) <= REASONS


def statuses_of(raw: bytes) -> set[int]:
    """Return the allowed statuses; JSON that is too deep for Python may get either."""
    try:
        json.loads(raw.decode())
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {400}
    except (ValueError, RecursionError):
        return {200, 400}
    return {200}


WAYS_TO_BREAK: Final[tuple[Any, ...]] = (
    lambda random, body: body[: random.randrange(len(body))],
    lambda random, body: body[random.randrange(len(body)) :],
    lambda random, body: body.replace(random.choice('",:[]{}'), "", 1),
    lambda random, body: body + random.choice((body, "]", "}", ",", "\0", " x")),
    lambda random, body: "".join(random.choice((part, "'", "\n")) for part in body[:60]) + body[60:],
    lambda random, body: (
        f"{body[: (place := random.randrange(len(body)))]}{chr(random.randrange(32, 127))}{body[place + 1 :]}"
    ),
    lambda random, body: "".join(chr(random.randrange(256)) for _ in range(random.randrange(40))),
    lambda random, body: f"<html><body>{body}</body></html>",
)


@pytest.mark.parametrize("seed", SEEDS)
def test_element_of_any_form_leaves_neighbours_alone(scene: Scene, seed: int) -> None:
    random = Random(f"disfigured {seed}")
    for _ in range(DISFIGURED):
        before, after = Expected(), Expected()
        first, last = element(random, before), element(random, after)
        odd = disfigured(random, element(random, Expected()))
        assert scene.post(body=f"[{first},{odd},{last}]") == 200
        queued, known = scene.queued(), len(before.changes) + len(after.changes)
        assert queued[: len(before.changes)] == before.changes
        assert queued[len(queued) - len(after.changes) :] == after.changes
        assert len(queued) >= known
        rejected = scene.rejected()
        assert before.rejects + after.rejects <= rejected
        assert set(rejected) <= REASONS


@pytest.mark.parametrize("seed", SEEDS)
def test_incomplete_event_is_answered_as_documented(scene: Scene, seed: int) -> None:
    random = Random(f"event {seed}")
    for _ in range(ODD_EVENTS):
        body = mixture(random, 2, expected := Expected())
        missing, status = random.choice(ODD)
        assert scene.post(**{"body": body, **missing}) == status
        assert scene.queued() == (expected.changes if status == 200 else [])


ODD: Final[tuple[tuple[dict[str, Any], int], ...]] = (
    ({}, 200),
    ({"requestContext": {}, "isBase64Encoded": None}, 200),
    ({"multiValueHeaders": {}, "resource": None}, 200),
    ({"headers": None}, 401),
    ({"headers": {}}, 401),
    ({"headers": {"X-Lytics-Secret": None}}, 401),
    ({"headers": {"X-Lytics-Secret": ""}}, 401),
    ({"headers": {"X-Lytics-Secret": f"{SECRET} "}}, 401),
    ({"headers": {"X-Lytics-Secret": "\ud800\0" * 9_000}}, 401),
    ({"headers": {"X-Lytics-Secrets": SECRET, "Authorization": SECRET}}, 401),
    ({"multiValueHeaders": {"X-Lytics-Secret": []}}, 401),
    ({"multiValueHeaders": {"X-Lytics-Secret": None}}, 401),
    ({"body": None}, 400),
    ({"body": ""}, 400),
    ({"body": "%%%", "isBase64Encoded": True}, 400),
    ({"pathParameters": None}, 503),
    ({"pathParameters": {}}, 503),
    ({"pathParameters": {"export": None}}, 503),
    ({"pathParameters": {"export": "newsletter "}}, 503),
    ({"pathParameters": {"export": "../" * 5_000}}, 503),
    ({"pathParameters": {"export": "\ud800"}}, 503),
)


def test_memory_does_not_grow_with_deliveries(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random("growth")
    sizes = []
    tracemalloc.start()
    try:
        for number in range(3_000):
            missing, _ = random.choice(ODD)
            name = {"pathParameters": {"export": f"guess-{number}"}} if number % 3 else {}
            scene.post(**{"body": mixture(random, 1, Expected()), **name, **missing})
            scene.clock.move(0.1)
            if number % 1_000 == 999:
                for client in (scene.dynamodb, scene.secrets, scene.changes_sqs, scene.rejects_sqs):
                    client.calls.made.clear()
                capsys.readouterr()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 200_000
