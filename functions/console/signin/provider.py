"""The sign-in provider over the network: its documents, and the exchange of a code for a token."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import requests
from urllib3.exceptions import HTTPError

from functions.console.signin.discovery import Metadata, is_local
from functions.console.signin.refusal import SignInRefused
from functions.console.signin.roles import Identity, lists_from
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import RequestRefused, ServiceUnavailable, StopRun
from lytics_sendgrid.transport.download import download
from lytics_sendgrid.transport.session import parts_of

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from functions.console.links import Links
    from functions.console.settings import ConsoleSettings
    from functions.console.signin.attempts import Attempt
    from functions.console.signin.discovery import Discovered
    from lytics_sendgrid.domain.clock import Clock

TIMEOUT_S: Final = 5.0
MAX_BYTES: Final = 65_536
_CODE_OF_ERROR: Final = re.compile(r"[a-z_]{1,40}")
_PUBLIC: Final = "none"


class OidcProvider:
    """A provider of OpenID Connect. Authlib and joserfc are imported on the way in only: they take 130 ms."""

    def __init__(
        self, settings: ConsoleSettings, links: Links, secrets: SecretsManagerClient, clock: Clock
    ) -> None:
        self._settings = settings
        self._links = links
        self._secrets = secrets
        self._clock = clock
        self._metadata = Metadata(settings.console_issuer, self._fetch, clock)

    def authorization_url(self, attempt: Attempt, *, as_another: bool) -> str:
        """See ``Provider.authorization_url``."""
        discovered = self._metadata.discovered()
        prompt = {"prompt": discovered.prompt_for_another} if as_another else {}
        url, _ = self._session(discovered, "").create_authorization_url(
            discovered.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
            **prompt,
        )
        return str(url)

    def identity(self, code: str, attempt: Attempt) -> Identity:
        """See ``Provider.identity``."""
        from functions.console.signin.oidc import identity_from  # noqa: PLC0415 - see the class

        tokens = self._exchange(code, attempt)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise SignInRefused("the provider sent no ID token")
        return identity_from(
            id_token,
            self._metadata.key,
            issuer=self._settings.console_issuer,
            client_id=self._settings.console_client_id,
            nonce=attempt.nonce,
            groups_claim=self._settings.console_groups_claim,
            now_s=self._clock.now(),
            access_token=access_token if isinstance(access_token, str) else None,
        )

    def sign_out_url(self) -> str | None:
        """See ``Provider.sign_out_url``."""
        back = self._links.absolute("/signed-out")
        return self._metadata.discovered().sign_out_url(self._settings.console_client_id, back)

    def _session(self, discovered: Discovered, secret: str) -> OAuth2Session:
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415 - see the class

        session = OAuth2Session(
            self._settings.console_client_id,
            secret or None,
            token_endpoint_auth_method=discovered.auth_method(secret),
            redirect_uri=self._links.absolute("/sign-in/answer"),
            scope=discovered.scope(uses_groups=self._uses_groups),
            code_challenge_method="S256",
        )
        session.trust_env = False
        session.register_compliance_hook("access_token_response", self._received)
        return session

    @cached_property
    def _uses_groups(self) -> bool:
        return lists_from(self._settings.console_operators, self._settings.console_viewers).uses_groups

    def _exchange(self, code: str, attempt: Attempt) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError  # noqa: PLC0415 - see the class

        discovered = self._metadata.discovered()
        session = self._session(discovered, self._client_secret())
        try:
            return dict(
                session.fetch_token(
                    discovered.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=TIMEOUT_S,
                    allow_redirects=False,
                    stream=True,
                )
            )
        except OAuthError as error:
            raise self._refusal(str(error.error)) from error
        except requests.HTTPError as error:
            raise SignInRefused("the provider's token endpoint did not answer with a token") from error
        except (requests.RequestException, HTTPError, TimeoutError) as error:
            raise ServiceUnavailable(
                f"the sign-in provider does not answer: {type(error).__name__}"
            ) from error
        except ValueError as error:
            raise SignInRefused("the provider's answer has no token") from error

    def _refusal(self, code: str) -> Exception:
        """Return the error for what the token endpoint answered: to be fixed here, or to be tried again."""
        if code in {"invalid_client", "unauthorized_client"}:
            return StopRun(
                f"the sign-in provider refuses the console ({code}): compare ConsoleClientId, and the "
                f"\"client_secret\" in the secret '{self._settings.console_client_credentials}', with the "
                "provider's"
            )
        known = code if _CODE_OF_ERROR.fullmatch(code) else "unknown error"
        return SignInRefused(f"the provider refuses the code: {known}")

    def _received(self, response: requests.Response) -> _Received:
        """Read an answer of the token endpoint, as far as it may be long, in the time that it may take."""
        until_s = self._clock.now() + TIMEOUT_S
        body = bytearray()
        with response:
            for part in parts_of(response, lambda: until_s - self._clock.now()):
                body += part
                if len(body) > MAX_BYTES:
                    raise ValueError("too long")
        return _Received(response.status_code, bytes(body))

    def _client_secret(self) -> str:
        name = self._settings.console_client_credentials
        if name == _PUBLIC:
            return ""
        with translated("Secrets Manager"):
            text = self._secrets.get_secret_value(SecretId=name).get("SecretString", "")
        try:
            return str(json.loads(text).get("client_secret") or "").strip()
        except (ValueError, AttributeError) as error:
            raise StopRun(f'the secret \'{name}\' is not of the form {{"client_secret": "…"}}') from error

    def _fetch(self, url: str) -> bytes:
        allow_local = is_local(self._settings.console_issuer)
        parts = download(
            url, MAX_BYTES, self._clock, allow_local=allow_local, timeout_s=TIMEOUT_S, max_redirects=0
        )
        try:
            return b"".join(parts)
        except RequestRefused as error:
            raise StopRun(f"{url} cannot be read: {error}. Check ConsoleIssuer") from error


class _Received:
    """A whole answer, as Authlib reads it."""

    def __init__(self, status_code: int, body: bytes) -> None:
        self.status_code = status_code
        self._body = body

    def json(self) -> Any:
        return json.loads(self._body)

    def raise_for_status(self) -> None:
        if self.status_code >= 500:
            raise requests.ConnectionError(f"status {self.status_code}")
        if self.status_code >= 300:
            raise requests.HTTPError(f"status {self.status_code}")
