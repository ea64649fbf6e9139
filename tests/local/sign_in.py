"""Sign-in to the console on a local cloud: the provider's twin, and made-up people for each role."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.local.cloud import LocalCloud
from tests.local.oidc_twin import Client, OidcTwin, Person

OLGA: Final = Person("olga-7f3a", "olga.operator@example.com")
VICTOR: Final = Person("victor-1c9e", "victor.viewer@example.com")
SAM: Final = Person("sam-5b20", "sam.stranger@example.com")
ROLES: Final = {OLGA.email: "operator", VICTOR.email: "viewer", SAM.email: "on no list"}
CLIENT_ID: Final = "console"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in of one stack.

    Attributes:
        url: of the console, without a trailing slash.
        twin: the provider.
    """

    url: str
    twin: OidcTwin

    @property
    def parameters(self) -> Mapping[str, str]:
        """The template's parameters that turn the console on."""
        return {
            "ConsoleSignIn": "oidc",
            "ConsoleIssuer": self.twin.url,
            "ConsoleClientId": CLIENT_ID,
            "ConsoleOperators": OLGA.email,
            "ConsoleViewers": VICTOR.email,
            "ConsoleBaseUrl": self.url,
        }


@contextmanager
def sign_in_of(cloud: LocalCloud, stack: str) -> Iterator[SignIn]:
    """Start a provider that knows the console of a stack, before the stack is deployed."""
    url = cloud.api_url(stack, "ConsoleApi", "console")
    with OidcTwin([OLGA, VICTOR, SAM]) as twin:
        twin.register(Client(CLIENT_ID, "", [f"{url}/sign-in/answer"], [f"{url}/signed-out"]))
        yield SignIn(url, twin)
