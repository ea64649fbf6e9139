"""Intake: the response to Lytics, and what is on the queues by then."""

import base64
import dataclasses
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from functions.ingest import intake as intake_module
from functions.ingest.export_cache import ExportCache
from functions.ingest.gateway import WebhookRequest, WebhookResponse
from functions.ingest.intake import RETRY_AFTER_S, WebhookIntake
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.domain.instants import parse_rfc3339_ns
from lytics_sendgrid.errors import AnswerLost, ServiceUnavailable, StopRun, Throttled
from lytics_sendgrid.queues.changes import decode
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.calls import Calls, refusal
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.secrets_manager import SecretsManager
from tests.doubles.sqs import Queue, Sqs
from tests.newsletter import HIGH_VALUE, NEWSLETTER, READERS, UNMANAGED

SECRET = "correct horse"
EMAIL = "ines.moreau@example.com"
NOW_NS = parse_rfc3339_ns("2026-11-23T12:00:00Z")


def secret_of(*webhook_secrets: str) -> str:
    return json.dumps({"webhook_secrets": webhook_secrets})


class Scene:
    """An intake, on the doubles of AWS."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW_NS / 1e9)
        self.dynamodb = DynamoDb()
        self.exports = exports_table(self.dynamodb, NEWSLETTER)
        self.secrets = SecretsManager({"default/webhook": secret_of(SECRET)})
        self.changes, self.rejects = Queue("changes"), Queue("rejects")
        changes, self.changes_sqs = queue_writer(self.changes)
        rejects, self.rejects_sqs = queue_writer(self.rejects)
        self.intake = WebhookIntake(
            ExportCache(self.exports, self.clock),
            Secrets(self.secrets, "stack", self.clock),
            changes,
            rejects,
            self.clock,
        )

    def calls(self, service: str) -> Calls:
        services: dict[str, DynamoDb | SecretsManager | Sqs] = {
            "exports": self.dynamodb,
            "secrets": self.secrets,
            "changes": self.changes_sqs,
            "rejects": self.rejects_sqs,
        }
        return services[service].calls

    def post(
        self, body: Any, *, secrets: tuple[str, ...] = (SECRET,), export: str = "newsletter", **more: Any
    ) -> WebhookResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        delivery = WebhookRequest(export, secrets, text, is_base64=False, request_id="r-1")
        return self.intake.take(dataclasses.replace(delivery, **more))

    @property
    def reads(self) -> int:
        return len(self.dynamodb.reads) + len(self.secrets.reads)

    @property
    def queued(self) -> list[Any]:
        return [change for body in self.changes.bodies for change in decode(body).changes]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def event(audience: str = HIGH_VALUE, word: str = "enter", **data: Any) -> dict[str, Any]:
    element = {"id": audience, "event": word, word: "2026-11-23T11:59:00Z"}
    return {"id": "7", "data": {"email": EMAIL, "city": "Lyon", **data, "segment_events": [element]}}


def test_message_holds_the_request_id(scene: Scene) -> None:
    event = {"id": HIGH_VALUE, "event": "enter", "enter": "2026-11-23T10:00:00Z"}
    scene.post({"data": {"email": "ann@example.org", "segment_events": [event]}})
    assert [decode(body).request for body in scene.changes.bodies] == ["r-1"]


def test_delivery_is_200_with_changes_queued(scene: Scene) -> None:
    answer = scene.post([event(), event(READERS, "exit")])
    assert (answer.status, answer.retry_after_s) == (200, None)
    [body] = scene.changes.bodies
    message = decode(body)
    assert (message.export, message.config, message.queued_ms) == ("newsletter", 3, NOW_NS // 1_000_000)
    assert [(c.email, c.kind, c.audience) for c in message.changes] == [
        (EMAIL, Kind.ENTER, HIGH_VALUE),
        (EMAIL, Kind.EXIT, READERS),
    ]
    assert scene.rejects_sqs.calls.made == []


def test_warm_delivery_reads_nothing(scene: Scene) -> None:
    scene.post(event())
    before = scene.reads
    scene.post(event())
    assert scene.reads == before == 2


def test_bad_elements_go_to_rejects_queue_and_good_ones_are_queued(scene: Scene) -> None:
    answer = scene.post([event(email=None), event(), "junk"])
    assert answer.status == 200
    assert len(scene.queued) == 1
    rejects = [json.loads(body) for body in scene.rejects.bodies]
    assert [(r["reason"], r["source"], r["export"]) for r in rejects] == [
        ("no_email", "ingest", "newsletter"),
        ("unknown_shape", "ingest", "newsletter"),
    ]
    assert (answer.counts["accepted"], answer.counts["rejected"]) == (1, 2)
    assert answer.counts["rejected_reasons"] == {"no_email": 1, "unknown_shape": 1}


def test_body_of_bad_elements_queues_no_changes(scene: Scene) -> None:
    assert scene.post({"hello": "world"}).status == 200
    assert (scene.changes_sqs.calls.made, len(scene.rejects.bodies)) == ([], 1)


@pytest.mark.parametrize("body", ["", "{", "not json", '{"a": 1} trailing'])
def test_body_that_is_not_json_is_400(scene: Scene, body: str) -> None:
    answer = scene.post(body)
    assert (answer.status, answer.message, answer.counts["not_json"]) == (400, "not JSON", 1)
    [reject] = [json.loads(body) for body in scene.rejects.bodies]
    assert (reject["reason"], reject["source"], reject["export"]) == ("not_json", "ingest", "newsletter")
    assert reject["element"] == body
    assert "text that is not JSON" in reject["detail"]


def test_long_body_that_is_not_json_is_kept_cut(scene: Scene) -> None:
    assert scene.post("x" * 100_000).status == 400
    [body] = scene.rejects.bodies
    assert len(body) <= 65_536
    assert (json.loads(body)["cut_from_chars"], len(json.loads(body)["element"])) == (100_000, 59_998)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"name": "Zoë"}'.encode("latin-1"), "bytes that are not UTF-8"),
        (gzip.compress(b"{}", mtime=0)[:-5], "damaged gzip"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 100_000, "damaged gzip"),
        (gzip.compress('"ë"'.encode("latin-1"), mtime=0), "bytes that are not UTF-8"),
    ],
)
def test_bytes_that_are_not_text_are_kept_as_base64(scene: Scene, content: bytes, what: str) -> None:
    assert scene.post(base64.b64encode(content).decode(), is_base64=True).status == 400
    [body] = scene.rejects.bodies
    reject = json.loads(body)
    element = json.loads(reject["element"])
    assert f"the body is {what}." in reject["detail"]
    assert (base64.b64decode(element["base64"]), element["bytes"]) == (content[:44_000], len(content))
    assert "cut_from_chars" not in reject
    assert len(body) <= 65_536


def test_text_in_base64_that_is_not_json_is_kept_as_text(scene: Scene) -> None:
    assert scene.post(base64.b64encode(b"a=1&b=2").decode(), is_base64=True).status == 400
    assert json.loads(scene.rejects.bodies[0])["element"] == "a=1&b=2"


def test_gzip_that_the_gateway_damaged_is_named(scene: Scene) -> None:
    assert scene.post(gzip.compress(b"{}").decode(errors="replace")).status == 400
    assert "gzip that API Gateway took for text" in json.loads(scene.rejects.bodies[0])["detail"]


def test_gzipped_json_is_read(scene: Scene) -> None:
    content = gzip.compress(json.dumps(event()).encode("utf-8-sig"))
    assert scene.post(base64.b64encode(content).decode(), is_base64=True).status == 200
    assert len(scene.queued) == 1


@pytest.mark.parametrize(("size", "status"), [(10_485_760, 200), (10_485_761, 503)])
def test_gzip_that_unpacks_to_too_much_is_refused_not_lost(scene: Scene, size: int, status: int) -> None:
    content = gzip.compress(b"[]" + b" " * (size - 2))
    answer = scene.post(base64.b64encode(content).decode(), is_base64=True)
    assert (answer.status, answer.retry_after_s) == (status, None)
    if status == 503:
        assert answer.message == "too large when unpacked"


def test_body_that_cannot_be_kept_is_not_answered_400(scene: Scene) -> None:
    scene.calls("rejects").broken = ReadTimeoutError(endpoint_url="x")
    assert scene.post("{").status == 503
    assert scene.changes.bodies == scene.rejects.bodies == []


@pytest.mark.parametrize("body", ["%%%", base64.b64encode(b'{"a": "\xff"}').decode()])
def test_bad_base64_and_bad_utf8_are_400(scene: Scene, body: str) -> None:
    assert scene.post(body, is_base64=True).status == 400


def test_base64_and_byte_order_mark_are_read(scene: Scene) -> None:
    text = "\ufeff" + json.dumps(event())
    assert scene.post(base64.b64encode(text.encode()).decode(), is_base64=True).status == 200
    assert scene.post(text).status == 200
    assert len(scene.queued) == 2


def test_unknown_export_is_503_without_retry_after(scene: Scene) -> None:
    answer = scene.post(event(), export="other", secrets=())
    assert (answer.status, answer.message, answer.retry_after_s) == (503, "unknown export", None)
    assert scene.secrets.reads == []


@pytest.mark.parametrize("secrets", [(), ("",), ("wrong",), (SECRET + " ",), ("wrong", "worse")])
def test_wrong_secret_is_401_whatever_the_body(scene: Scene, secrets: tuple[str, ...]) -> None:
    for body in (event(), "not json"):
        assert scene.post(body, secrets=secrets) == WebhookResponse(401, "wrong secret")
    assert scene.changes.bodies == []


def test_one_live_secret_among_header_values_is_enough(scene: Scene) -> None:
    assert scene.post(event(), secrets=("wrong", SECRET)).status == 200


def test_both_live_secrets_are_accepted_during_rotation(scene: Scene) -> None:
    scene.secrets.texts["default/webhook"] = secret_of("old", "new")
    assert [scene.post(event(), secrets=(s,)).status for s in ("old", "new", "older")] == [200, 200, 401]


def test_empty_webhook_secret_admits_nobody(scene: Scene) -> None:
    scene.secrets.texts["default/webhook"] = secret_of("", " ")
    assert [scene.post(event(), secrets=(s,)).status for s in ("", " ")] == [401, 401]


def test_refused_secret_is_read_again_at_most_every_30_s(scene: Scene) -> None:
    scene.post(event())
    scene.secrets.texts["default/webhook"] = secret_of("rotated")
    scene.clock.move(29)
    assert scene.post(event(), secrets=("rotated",)).status == 401
    assert len(scene.secrets.reads) == 1
    scene.clock.move(1)
    assert scene.post(event(), secrets=("rotated",)).status == 200
    assert len(scene.secrets.reads) == 2
    for _ in range(100):
        assert scene.post(event(), secrets=("guess",)).status == 401
    assert len(scene.secrets.reads) == 2


def test_strangers_cause_no_reads_once_cached(scene: Scene) -> None:
    scene.post(event())
    before = scene.reads
    for number in range(100):
        assert scene.post(event(UNMANAGED), secrets=(f"guess {number}",)).status == 401
        assert scene.post(event()["data"], secrets=()).status == 401
    assert scene.reads == before


def test_unreadable_secret_is_not_read_for_every_delivery(scene: Scene) -> None:
    scene.secrets.texts["default/webhook"] = "not JSON"
    for _ in range(10):
        assert (scene.post(event()).status, scene.post(event()).retry_after_s) == (503, RETRY_AFTER_S)
    assert len(scene.secrets.reads) == 1
    scene.secrets.texts["default/webhook"] = secret_of(SECRET)
    scene.clock.move(5)
    assert scene.post(event()).status == 200


def test_audience_that_was_just_added_is_not_ignored(scene: Scene) -> None:
    scene.post(event())
    added = (*NEWSLETTER.audiences, Audience(UNMANAGED, "Webinar guests", "webinar_guests"))
    scene.exports.put_export(dataclasses.replace(NEWSLETTER, version=4, audiences=added))
    answer = scene.post(event(UNMANAGED))
    assert answer.counts["ignored"] == 0
    assert scene.queued[-1].audience == UNMANAGED
    assert decode(scene.changes.bodies[-1]).config == 4


def test_unmanaged_audience_is_counted_after_one_read(scene: Scene) -> None:
    scene.post(event())
    for reads in (2, 3):
        answer = scene.post([event(UNMANAGED), event(UNMANAGED), event("b" * 32)])
        assert answer.status == 200
        assert answer.counts["ignored_audiences"] == {UNMANAGED: 2, "b" * 32: 1}
        assert answer.counts["ignored"] == 3
        assert len(scene.dynamodb.reads) == reads


def test_export_removed_meanwhile_is_unknown(scene: Scene) -> None:
    scene.post(event())
    scene.dynamodb.exports.items.clear()
    assert scene.post(event(UNMANAGED)) == WebhookResponse(503, "unknown export")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (refusal("ThrottlingException", "X"), Throttled),
        (refusal("InternalServerError", "X", 500), ServiceUnavailable),
        (ReadTimeoutError(endpoint_url="x"), AnswerLost),
        (refusal("AccessDeniedException", "X"), StopRun),
    ],
)
@pytest.mark.parametrize("broken", ["exports", "secrets", "changes", "rejects"])
def test_aws_failure_is_503_with_retry_after(
    scene: Scene, broken: str, error: Exception, raised: type[Exception]
) -> None:
    scene.calls(broken).broken = error
    answer = scene.post([event(), "junk"])
    assert (answer.status, answer.retry_after_s) == (503, RETRY_AFTER_S)
    assert answer.counts["error"] == raised.__name__


def test_failing_rejects_queue_repeats_changes_on_retry(scene: Scene) -> None:
    scene.rejects_sqs.calls.broken = refusal("Unavailable", "SendMessage", 503)
    assert scene.post([event(), "junk"]).status == 503
    assert len(scene.queued) == 1
    scene.rejects_sqs.calls.broken = None
    assert scene.post([event(), "junk"]).status == 200
    assert len(scene.queued) == 2


def test_failing_changes_queue_queues_no_rejects(scene: Scene) -> None:
    scene.changes_sqs.calls.broken = refusal("Unavailable", "SendMessage", 503)
    scene.post([event(), "junk"])
    assert scene.rejects.bodies == []


def test_bug_is_503_without_retry_after_and_without_its_text(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError(EMAIL)

    monkeypatch.setattr(intake_module, "pack", trip)
    answer = scene.post(event())
    assert (answer.status, answer.message, answer.retry_after_s) == (503, "internal error", None)
    assert answer.counts["error"] == "ZeroDivisionError"
    assert answer.counts["at"].startswith(__name__)


def crowd(number: int) -> list[dict[str, Any]]:
    return [event(email=f"person{n}@example.com", city="x" * 900) for n in range(number)]


def bad_crowd(number: int) -> list[Any]:
    return [*crowd(number // 2), *range(number)]


@pytest.mark.parametrize("body", [crowd, bad_crowd])
def test_large_delivery_is_split_into_messages_without_loss(
    scene: Scene, body: Callable[[int], list[Any]]
) -> None:
    elements = body(1_000)
    answer = scene.post(elements)
    assert answer.counts["accepted"] + answer.counts["rejected"] == len(elements)
    assert len(scene.queued) == answer.counts["accepted"]
    assert all(len(text) <= 262_144 for text in scene.changes.bodies)
    kept = [one for text in scene.rejects.bodies for one in json.loads(json.loads(text)["element"])]
    assert kept == [element for element in elements if isinstance(element, int)]


def test_log_names_at_most_20_ignored_audiences(scene: Scene) -> None:
    answer = scene.post([event(f"{number:032x}") for number in range(50)])
    assert answer.counts["ignored"] == 50
    assert len(answer.counts["ignored_audiences"]) == 20


def test_json_that_python_refuses_rejects_only_its_element(scene: Scene) -> None:
    good = json.dumps(event())
    deep = '{"data": {"segment_events": ' + "[" * 100_000 + "]" * 100_000 + "}}"
    answer = scene.post(f"[{good}, {deep}, {good}, {'9' * 5_000}]")
    assert (answer.status, answer.counts["accepted"], answer.counts["rejected"]) == (200, 2, 2)
