"""Authorizations: one secret in Secrets Manager each, with two API keys and the webhook's secrets."""

import hmac
import json
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


class SecretsClient(Protocol):
    """The part of boto3's Secrets Manager client that this module uses."""

    def get_secret_value(self, *, SecretId: str) -> Any: ...  # noqa: N803, D102


@dataclass(frozen=True, slots=True, repr=False)
class Authorization:
    """The content of a secret. It has no ``repr``, so that no log line can show it.

    Attributes:
        name: the authorization's name.
        account: the SendGrid account's name. Authorizations with the same account share its contacts.
        sendgrid_api_key: begins with ``SG.``.
        lytics_api_token: sent without ``Bearer``.
        webhook_secrets: one, or two during a rotation.
    """

    name: str
    account: str
    sendgrid_api_key: str
    lytics_api_token: str
    webhook_secrets: tuple[str, ...]

    def admits(self, presented: str) -> bool:
        """Return whether a webhook secret is live. The comparison takes constant time."""
        candidate = presented.encode("utf-8", "surrogatepass")
        admitted = False
        for secret in self.webhook_secrets:
            admitted |= hmac.compare_digest(candidate, secret.encode())
        return admitted


def authorization_from(name: str, text: str) -> Authorization:
    """Return the authorization in a secret's JSON.

    White space and invisible characters around a value are stripped: no key begins or ends with them.

    Raises:
        StopRun: the text is not of the documented form, or an HTTP header cannot carry a value. The message
            names the secret and its entry, but no value.
    """
    how = 'write it as {"sendgrid_api_key": "…", "lytics_api_token": "…", "webhook_secrets": ["…"]}'
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StopRun(f"the secret of authorization '{name}' is not JSON: {how}") from error
    if not isinstance(document, dict):
        raise StopRun(f"the secret of authorization '{name}' is not a JSON object: {how}")
    secrets = document.get("webhook_secrets", [])
    live = [secrets] if isinstance(secrets, str) else secrets
    texts = [document.get("sendgrid_api_key", ""), document.get("lytics_api_token", "")]
    texts.append(document.get("sendgrid_account") or name)
    if not isinstance(live, list) or not all(isinstance(text, str) for text in [*live, *texts]):
        raise StopRun(f"the secret of authorization '{name}' has values that are not text: {how}")
    if "#" in texts[2]:
        raise StopRun(
            f"the secret of authorization '{name}' names a SendGrid account with a '#', which separates the "
            f'account from the address in the contacts table: choose a "sendgrid_account" without one'
        )
    sendgrid_key = _header_value(texts[0], name, "sendgrid_api_key", "an API key")
    lytics_token = _header_value(texts[1], name, "lytics_api_token", "an API key")
    webhook_secrets = [_header_value(text, name, "webhook_secrets", "a key") for text in live]
    return Authorization(name, texts[2], sendgrid_key, lytics_token, tuple(filter(None, webhook_secrets)))


def _header_value(text: str, name: str, entry: str, noun: str) -> str:
    """Return a value of a secret as an HTTP header carries it: visible ASCII characters, and spaces inside.

    Raises:
        StopRun: another character is inside.
    """
    value = strip_invisible(text)
    bad = next((character for character in value if not " " <= character <= "~"), None)
    if bad is None:
        return value
    raise StopRun(
        f"the secret of authorization '{name}' holds {noun} in \"{entry}\" that no HTTP header can carry: "
        f"its character {value.index(bad) + 1} is {code_point(bad)}, such as a curly quote, an invisible "
        f"character or a line break. Copy the key again from where it was made, as plain text, and put it "
        "into the secret"
    )


class Secrets:
    """Authorizations by name, cached for some minutes."""

    def __init__(self, client: SecretsClient, prefix: str, clock: Clock) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._kept: dict[str, tuple[float, Authorization]] = {}
        self._failed: dict[str, tuple[float, LyticsSendGridError]] = {}

    def authorization(self, name: str, max_age_s: float = REFRESH_S) -> Authorization:
        """Return an authorization that was read at most ``max_age_s`` ago.

        A time in the future counts as old.

        Raises:
            StopRun: the secret does not exist, may not be read, or is not of the documented form, now or
                within the last seconds.
            RetryLater: Secrets Manager failed, now or within the last seconds.
        """
        kept = self._kept.get(name)
        now = self._clock.now()
        if kept is not None and 0 <= now - kept[0] < max_age_s:
            return kept[1]
        failed = self._failed.get(name)
        if failed is not None and 0 <= now - failed[0] < FAILED_AGE_S:
            raise failed[1].with_traceback(None)
        try:
            authorization = authorization_from(name, self._read(f"{self._prefix}/{name}"))
        except LyticsSendGridError as error:
            self._failed[name] = (now, error)
            raise
        self._kept[name] = (now, authorization)
        return authorization

    def _read(self, secret_id: str) -> str:
        with translated("Secrets Manager"):
            try:
                text = self._client.get_secret_value(SecretId=secret_id).get("SecretString")
            except ClientError as error:
                code = error_code(error)
                if code not in {
                    "ResourceNotFoundException",
                    "AccessDeniedException",
                    "InvalidRequestException",
                }:
                    raise
                raise StopRun(
                    f"the secret '{secret_id}' cannot be read ({code}): create it in Secrets Manager, "
                    f'or correct "authorization" in the input'
                ) from error
        return text if isinstance(text, str) else ""
