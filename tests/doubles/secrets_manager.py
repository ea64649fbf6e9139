"""Secrets Manager in memory, under the names of boto3's client."""

from collections.abc import Mapping
from typing import Any

from tests.doubles.calls import Calls, refusal


class SecretsManager:
    """boto3's Secrets Manager client.

    Attributes:
        texts: the secrets, by their names without the stack's.
        calls: the calls, and the errors they raise.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)
        self.calls = Calls()

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        self.calls.received("GetSecretValue", SecretId=SecretId)
        text = self.texts.get(SecretId.partition("/")[2])
        if text is None:
            raise refusal("ResourceNotFoundException", "GetSecretValue")
        self.calls.served("GetSecretValue")
        return {"SecretString": text}

    @property
    def reads(self) -> list[str]:
        """The names of the requested secrets, in order."""
        return [request["SecretId"] for request in self.calls.of("GetSecretValue")]
