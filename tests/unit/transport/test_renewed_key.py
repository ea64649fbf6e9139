"""RenewedKeyHttp: a refused key is looked up again, and a replaced one is used before the refusal counts."""

import json
from typing import Any

import pytest

from lytics_sendgrid.aws.secret import REFUSED_REFRESH_S, Secrets
from lytics_sendgrid.errors import KeyRefused
from lytics_sendgrid.sendgrid import contacts as module
from lytics_sendgrid.sendgrid.contacts import SendGridContacts, sendgrid_contacts
from lytics_sendgrid.sendgrid.upsert_answer import Accepted, RequestFault
from lytics_sendgrid.transport.client import Answer
from tests.clock import ManualClock
from tests.doubles.secrets_manager import SecretsManager


def secret(key: str) -> str:
    return json.dumps({"sendgrid_api_key": key})


class Scene:
    """SendGrid accepts one key. The secret may hold another one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock()
        self.manager = SecretsManager({"default": secret("SG.old")})
        self.valid = "SG.old"
        self.sent: list[tuple[str, float]] = []
        monkeypatch.setattr(module, "SystemClock", lambda: self.clock)
        monkeypatch.setattr(module, "sendgrid_http", self._http)
        secrets = Secrets(self.manager, "stack", self.clock)
        self.contacts: SendGridContacts = sendgrid_contacts("https://x/", secrets, "default")

    def _http(self, _url: str, key: str) -> Any:
        scene = self

        class Http:
            def request(self, *_: Any, timeout_s: float, **__: Any) -> Answer:
                scene.sent.append((key, timeout_s))
                scene.clock.move(2)
                return Answer(202, {}, b'{"job_id":"j"}') if key == scene.valid else Answer(401, {}, b"{}")

        return Http()

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.sent]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_replaced_key_is_used_before_a_refusal_counts(scene: Scene) -> None:
    assert scene.contacts.upsert(b"{}", 10.0) == Accepted("j")
    scene.manager.texts["default"], scene.valid = secret("SG.new"), "SG.new"
    scene.clock.move(REFUSED_REFRESH_S)
    assert scene.contacts.upsert(b"{}", 10.0) == Accepted("j")
    assert scene.sent[1:] == [("SG.old", 10.0), ("SG.new", 8.0)]
    scene.contacts.upsert(b"{}", 10.0)
    assert scene.keys[3:] == ["SG.new"]


def test_second_request_has_at_least_a_second(scene: Scene) -> None:
    scene.contacts.upsert(b"{}", 10.0)
    scene.manager.texts["default"], scene.valid = secret("SG.new"), "SG.new"
    scene.clock.move(REFUSED_REFRESH_S)
    scene.contacts.upsert(b"{}", 2.5)
    assert scene.sent[-1] == ("SG.new", 1.0)


def test_flood_of_refusals_reads_the_secret_every_30_s(scene: Scene) -> None:
    scene.valid = "SG.other"
    for _ in range(150):
        assert isinstance(scene.contacts.upsert(b"{}", 10.0), RequestFault)
    assert len(scene.sent) == 150
    assert len(scene.manager.reads) <= 1 + 300 // REFUSED_REFRESH_S


def test_refused_key_of_an_import_job_is_read_again(scene: Scene) -> None:
    scene.valid = "SG.other"
    with pytest.raises(KeyRefused):
        scene.contacts.job("j")
    scene.clock.move(REFUSED_REFRESH_S)
    with pytest.raises(KeyRefused):
        scene.contacts.job("j")
    assert len(scene.manager.reads) == 2
