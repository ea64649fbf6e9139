"""Authorizations: two secrets in Secrets Manager each.

``<stack>/<authorization>`` holds the vendors' keys, ``<stack>/<authorization>/webhook`` the webhook secrets.
The function that faces the internet may read only the second.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.invisible import code_point, strip_invisible
from lytics_sendgrid.errors import LyticsSendGridError, StopRun

REFRESH_S: Final = 300.0
REFUSED_REFRESH_S: Final = 30.0
"""After a refused webhook secret or key the secret is read again, at most this often: a new one may be in
it."""
FAILED_AGE_S: Final = 5.0
"""After a failed read, deliveries cause no other one for this long: their senders are not authenticated
yet."""


_CREATE: Final = 'create it in Secrets Manager, or correct "authorization" in the input'
_ADVICE: Final = {
    "ResourceNotFoundException": _CREATE,
    "InvalidRequestException": "it is marked for deletion: restore it in Secrets Manager",
    "AccessDeniedException": "if a key of your own encrypts it, deploy the stack with that key as KmsKeyArn, "
    f"or encrypt it with aws/secretsmanager; otherwise {_CREATE}",
}


class SecretsClient(Protocol):
    """The part of boto3's Secrets Manager client that this module uses."""

    def get_secret_value(self, *, SecretId: str) -> Any: ...  # noqa: N803, D102


@dataclass(frozen=True, slots=True, repr=False)
class Authorization:
    """The vendors' keys. It has no ``repr``, so that no log line can show them.

    Attributes:
        name: the authorization's name.
        account: the SendGrid account's name. Authorizations with the same account share its contacts.
        sendgrid_api_key: begins with ``SG.``.
        lytics_api_token: sent without ``Bearer``.
        secret: the secret's name, for messages.
        lytics_token_expires: the day on which the token expires, as a person has written it; empty: unknown.
    """

    name: str
    account: str
    sendgrid_api_key: str
    lytics_api_token: str
    secret: str
    lytics_token_expires: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class WebhookSecrets:
    """What Lytics sends in a header to the webhook. It has no ``repr`` either.

    Attributes:
        secret: the secret's name, for messages.
        live: one, or two during a rotation. Lytics sends the first.
    """

    secret: str
    live: tuple[str, ...]

    def admits(self, presented: str) -> bool:
        """Return whether a webhook secret is live. The comparison takes constant time."""
        candidate = presented.encode("utf-8", "surrogatepass")
        admitted = False
        for secret in self.live:
            admitted |= hmac.compare_digest(candidate, secret.encode())
        return admitted


def keys_secret(prefix: str, authorization: str) -> str:
    """Return the name of the secret that holds an authorization's keys."""
    return f"{prefix}/{authorization}"


def webhook_secret(prefix: str, authorization: str) -> str:
    """Return the name of the secret that holds an authorization's webhook secrets.

    An authorization's name has no slash, so this is never the name of another one's keys.
    """
    return f"{prefix}/{authorization}/webhook"


def authorization_from(name: str, secret: str, text: str) -> Authorization:
    """Return the authorization in the JSON of its secret.

    White space and invisible characters around a value are stripped: no key begins or ends with them.

    Args:
        name: the authorization's.
        secret: the secret's name.
        text: the secret's value.

    Raises:
        StopRun: the text is not of the documented form, or an HTTP header cannot carry a value. The message
            names the secret and its entry, but no value.
    """
    document = _object(secret, text, _KEYS_FORM)
    texts = [document.get("sendgrid_api_key", ""), document.get("lytics_api_token", "")]
    texts.append(document.get("sendgrid_account") or name)
    if not all(isinstance(text, str) for text in texts):
        raise StopRun(f"the secret '{secret}' has values that are not text: {_KEYS_FORM}")
    if "#" in texts[2]:
        raise StopRun(
            f"the secret '{secret}' names a SendGrid account with a '#', which separates the account from "
            'the address in the contacts table: choose a "sendgrid_account" without one'
        )
    sendgrid_key = _header_value(texts[0], secret, "sendgrid_api_key", "an API key")
    lytics_token = _header_value(texts[1], secret, "lytics_api_token", "an API key")
    expires = str(document.get("lytics_token_expires") or "").strip()
    return Authorization(name, texts[2], sendgrid_key, lytics_token, secret, expires)


def webhook_secrets_from(secret: str, text: str) -> WebhookSecrets:
    """Return the webhook secrets in the JSON of their secret, without empty ones.

    Args:
        secret: the secret's name.
        text: the secret's value.

    Raises:
        StopRun: as ``authorization_from``.
    """
    listed = _object(secret, text, _WEBHOOK_FORM).get("webhook_secrets", [])
    live = [listed] if isinstance(listed, str) else listed
    if not isinstance(live, list) or not all(isinstance(text, str) for text in live):
        raise StopRun(f"the secret '{secret}' has values that are not text: {_WEBHOOK_FORM}")
    values = (_header_value(text, secret, "webhook_secrets", "a key") for text in live)
    return WebhookSecrets(secret, tuple(filter(None, values)))


_KEYS_FORM: Final = 'write it as {"sendgrid_api_key": "…", "lytics_api_token": "…"}'
_WEBHOOK_FORM: Final = 'write it as {"webhook_secrets": ["…"]}'


def _object(secret: str, text: str, form: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StopRun(f"the secret '{secret}' is not JSON: {form}") from error
    if not isinstance(document, dict):
        raise StopRun(f"the secret '{secret}' is not a JSON object: {form}")
    return document


def _header_value(text: str, secret: str, entry: str, noun: str) -> str:
    """Return a value of a secret as an HTTP header carries it: visible ASCII characters, and spaces inside.

    Raises:
        StopRun: another character is inside.
    """
    value = strip_invisible(text)
    bad = next((character for character in value if not " " <= character <= "~"), None)
    if bad is None:
        return value
    raise StopRun(
        f"the secret '{secret}' holds {noun} in \"{entry}\" that no HTTP header can carry: "
        f"its character {value.index(bad) + 1} is {code_point(bad)}, such as a curly quote, an invisible "
        f"character or a line break. Copy the key again from where it was made, as plain text, and put it "
        "into the secret"
    )


class Secrets:
    """Authorizations and webhook secrets, cached for some minutes. Each is read only if it is asked for."""

    def __init__(self, client: SecretsClient, prefix: str, clock: Clock) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._authorizations: dict[str, tuple[float, Authorization]] = {}
        self._webhook_secrets: dict[str, tuple[float, WebhookSecrets]] = {}
        self._failed: dict[str, tuple[float, LyticsSendGridError]] = {}

    def authorization(self, name: str, max_age_s: float = REFRESH_S) -> Authorization:
        """Return an authorization that was read at most ``max_age_s`` ago.

        A time in the future counts as old.

        Raises:
            StopRun: the secret does not exist, may not be read, or is not of the documented form, now or
                within the last seconds.
            RetryLater: Secrets Manager failed, now or within the last seconds.
        """
        secret = keys_secret(self._prefix, name)
        return self._get(
            self._authorizations, secret, max_age_s, lambda text: authorization_from(name, secret, text)
        )

    def webhook_secrets(self, name: str, max_age_s: float = REFRESH_S) -> WebhookSecrets:
        """Return an authorization's webhook secrets, read at most ``max_age_s`` ago.

        Raises:
            StopRun: as ``authorization``.
            RetryLater: as ``authorization``.
        """
        secret = webhook_secret(self._prefix, name)
        return self._get(
            self._webhook_secrets, secret, max_age_s, lambda text: webhook_secrets_from(secret, text)
        )

    def _get[T](
        self,
        read: dict[str, tuple[float, T]],
        secret: str,
        max_age_s: float,
        parse: Callable[[str], T],
    ) -> T:
        kept = read.get(secret)
        now = self._clock.now()
        if kept is not None and 0 <= now - kept[0] < max_age_s:
            return kept[1]
        failed = self._failed.get(secret)
        if failed is not None and 0 <= now - failed[0] < FAILED_AGE_S:
            raise failed[1].with_traceback(None)
        try:
            value = parse(self._read(secret))
        except LyticsSendGridError as error:
            self._failed[secret] = (now, error)
            raise
        read[secret] = (now, value)
        return value

    def _read(self, secret_id: str) -> str:
        with translated("Secrets Manager"):
            try:
                text = self._client.get_secret_value(SecretId=secret_id).get("SecretString")
            except ClientError as error:
                code = error_code(error)
                if code not in _ADVICE:
                    raise
                raise StopRun(f"the secret '{secret_id}' cannot be read ({code}): {_ADVICE[code]}") from error
        return text if isinstance(text, str) else ""
