"""Authorizations: the form of both secrets, which webhook secrets are live, how often each is read."""

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from lytics_sendgrid.aws.secret import (
    Authorization,
    Secrets,
    WebhookSecrets,
    authorization_from,
    webhook_secrets_from,
)
from lytics_sendgrid.errors import AnswerLost, ServiceUnavailable, StopRun
from tests.clock import ManualClock
from tests.doubles.calls import refusal
from tests.doubles.secrets_manager import SecretsManager

DOCUMENT = {"sendgrid_api_key": " SG.key ", "lytics_api_token": "token\n"}
LIVE = {"webhook_secrets": ["one", "two"]}
KEYS, WEBHOOK = "a-stack/default", "a-stack/default/webhook"


def authorization_of(document: Any, name: str = "default") -> Authorization:
    return authorization_from(name, KEYS, json.dumps(document))


def live_of(document: Any) -> tuple[str, ...]:
    return webhook_secrets_from(WEBHOOK, json.dumps(document)).live


def test_secret_values_are_stripped() -> None:
    assert authorization_of(DOCUMENT) == Authorization("default", "default", "SG.key", "token", KEYS)


@pytest.mark.parametrize(
    ("live", "secrets"),
    [("one", ("one",)), (["one\n"], ("one",)), ([], ()), ("", ()), (["", " ", "two"], ("two",))],
)
def test_webhook_secrets_are_a_text_or_list_without_empty_ones(live: Any, secrets: tuple[str, ...]) -> None:
    assert live_of({"webhook_secrets": live}) == secrets
    assert live_of({}) == ()


def test_authorizations_may_share_an_account() -> None:
    assert authorization_of({**DOCUMENT, "sendgrid_account": "shared"}, "second").account == "shared"


@pytest.mark.parametrize(
    ("day", "expires"), [("2027-01-31", "2027-01-31"), (" 31.1. ", "31.1."), ("", ""), (None, ""), (5, "5")]
)
def test_day_of_expiry_is_kept_as_written_and_stops_nothing(day: Any, expires: str) -> None:
    assert authorization_of({**DOCUMENT, "lytics_token_expires": day}).lytics_token_expires == expires


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SG.hush",
        '["SG.hush"]',
        '{"sendgrid_api_key": 5, "lytics_api_token": "hush"}',
        '{"sendgrid_account": ["hush"]}',
    ],
)
def test_undocumented_form_is_refused_without_showing_a_value(text: str) -> None:
    with pytest.raises(StopRun) as raised:
        authorization_from("default", KEYS, text)
    assert "the secret 'a-stack/default' " in str(raised.value)
    assert '{"sendgrid_api_key": "…", "lytics_api_token": "…"}' in str(raised.value)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "hush", '["hush"]', '{"webhook_secrets": {"hush": 1}}', '{"webhook_secrets": ["hush", 5]}']
)
def test_webhook_secret_of_other_form_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(StopRun) as raised:
        webhook_secrets_from(WEBHOOK, text)
    assert "the secret 'a-stack/default/webhook' " in str(raised.value)
    assert '{"webhook_secrets": ["…"]}' in str(raised.value)
    assert "hush" not in str(raised.value)


def test_account_name_with_hash_sign_is_refused() -> None:
    with pytest.raises(StopRun, match="'a-stack/default' names a SendGrid account with a '#'"):
        authorization_of({**DOCUMENT, "sendgrid_account": "acme #2"})


@pytest.mark.parametrize("entry", ["sendgrid_api_key", "lytics_api_token", "webhook_secrets"])
@pytest.mark.parametrize(
    ("key", "point"),
    [
        ("\u201chush\u201d", "character 1 is U+201C"),
        ("hu\u200bsh", "character 3 is U+200B"),
        ("hu\nsh", "character 3 is U+000A"),
        ("hu\x7fsh", "character 3 is U+007F"),
        ("hush\u00e9", "character 5 is U+00E9"),
        ("hush\ud800", "character 5 is U+D800"),
    ],
)
def test_key_that_no_header_can_carry_is_refused_by_name(entry: str, key: str, point: str) -> None:
    read, secret = (live_of, WEBHOOK) if entry in LIVE else (authorization_of, KEYS)
    with pytest.raises(StopRun) as raised:
        read({**DOCUMENT, entry: key})
    message = str(raised.value)
    assert f"the secret '{secret}' holds a" in message
    assert f'key in "{entry}" that no HTTP header can carry' in message
    assert point in message
    assert "hush" not in message
    assert "hu\u200b" not in message


@pytest.mark.parametrize("around", [" ", "\n", "\ufeff", "\u200b\t", "\u00a0\u2060 "])
def test_invisible_characters_around_a_key_are_stripped(around: str) -> None:
    document = {
        "sendgrid_api_key": f"{around}SG.key{around}",
        "lytics_api_token": f"{around}token{around}",
    }
    assert authorization_of(document) == Authorization("default", "default", "SG.key", "token", KEYS)
    assert live_of({"webhook_secrets": [f"{around}one{around}", around, "two"]}) == ("one", "two")


@pytest.mark.parametrize(
    ("presented", "is_admitted"),
    [
        ("one", True),
        ("two", True),
        ("", False),
        ("One", False),
        ("onetwo", False),
        ("é", False),
        ("\ud83d", False),
    ],
)
def test_only_live_secrets_are_admitted(presented: str, is_admitted: bool) -> None:
    assert WebhookSecrets(WEBHOOK, ("one", "two")).admits(presented) is is_admitted


def test_repr_of_authorization_shows_no_secret() -> None:
    shown = f"{authorization_of(DOCUMENT)!r} {WebhookSecrets(WEBHOOK, ('one', 'two'))!r}"
    assert not any(value in shown for value in ("SG.", "token", "one", "two"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def manager() -> SecretsManager:
    return SecretsManager({"default": json.dumps(DOCUMENT), "default/webhook": json.dumps(LIVE)})


@pytest.fixture
def secrets(manager: SecretsManager, clock: ManualClock) -> Secrets:
    return Secrets(manager, "a-stack", clock)


def test_secret_is_read_by_stack_name_and_cached_for_minutes(
    secrets: Secrets, manager: SecretsManager, clock: ManualClock
) -> None:
    for _ in range(5):
        secrets.authorization("default")
        clock.move(59)
    assert manager.reads == ["a-stack/default"]
    clock.move(5)
    secrets.authorization("default")
    assert len(manager.reads) == 2


def test_secret_from_the_future_is_read_again(
    secrets: Secrets, manager: SecretsManager, clock: ManualClock
) -> None:
    secrets.authorization("default")
    clock.move(-3600)
    secrets.authorization("default")
    assert len(manager.reads) == 2


def test_max_age_forces_a_new_read(secrets: Secrets, manager: SecretsManager, clock: ManualClock) -> None:
    secrets.webhook_secrets("default")
    clock.move(31)
    manager.texts["default/webhook"] = json.dumps({"webhook_secrets": "three"})
    assert secrets.webhook_secrets("default").live == ("one", "two")
    assert secrets.webhook_secrets("default", 30).live == ("three",)


def test_webhook_secrets_are_read_without_the_keys(secrets: Secrets, manager: SecretsManager) -> None:
    del manager.texts["default"]
    assert secrets.webhook_secrets("default").live == ("one", "two")
    assert manager.reads == ["a-stack/default/webhook"]


def test_keys_are_read_without_the_webhook_secrets(secrets: Secrets, manager: SecretsManager) -> None:
    del manager.texts["default/webhook"]
    assert secrets.authorization("default").sendgrid_api_key == "SG.key"
    assert manager.reads == ["a-stack/default"]


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (refusal("ResourceNotFoundException", "GetSecretValue"), StopRun, "a-stack/default"),
        (refusal("AccessDeniedException", "GetSecretValue"), StopRun, "a-stack/default.*KmsKeyArn"),
        (refusal("InvalidRequestException", "GetSecretValue"), StopRun, "a-stack/default.*deletion"),
        (refusal("InvalidParameterException", "GetSecretValue"), StopRun, "InvalidParameterException"),
        (refusal("InternalServiceError", "GetSecretValue", 500), ServiceUnavailable, "Secrets Manager"),
        (ReadTimeoutError(endpoint_url="x"), AnswerLost, "Secrets Manager"),
    ],
)
def test_unreadable_secret_is_our_error_and_not_read_at_once_again(
    manager: SecretsManager, clock: ManualClock, error: Exception, raised: type[Exception], words: str
) -> None:
    secrets = Secrets(manager, "a-stack", clock)
    manager.calls.broken = error
    for _ in range(3):
        with pytest.raises(raised, match=words):
            secrets.authorization("default")
    assert len(manager.reads) == 1
    manager.calls.broken = None
    clock.move(5)
    assert secrets.authorization("default").name == "default"


def test_binary_secret_is_refused(clock: ManualClock) -> None:
    class Binary:
        def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
            return {"SecretBinary": b"x"}

    with pytest.raises(StopRun, match="not JSON"):
        Secrets(Binary(), "a-stack", clock).authorization("default")
