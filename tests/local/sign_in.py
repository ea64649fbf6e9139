"""Sign-in to the console on a local cloud: the provider's twin, made-up people for each role, a browser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import requests

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


class Browser:
    """A browser with the console's cookies. requests would not send them: they are for https only."""

    def __init__(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, *, body: bytes | None = None, **headers: str) -> requests.Response:
        """Send a request to the console, and follow no redirect."""
        url = path if path.startswith("http") else urljoin(self.sign_in.url, path)
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)
        answer = requests.request(
            method, url, data=body, headers={"Cookie": line, **headers}, allow_redirects=False, timeout=30
        )
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def page(self, path: str) -> requests.Response:
        """Ask for a page of the console."""
        return self.send("GET", f"{self.sign_in.url}{path}")

    def follow(self, answer: requests.Response) -> requests.Response:
        """Follow redirects, to the provider and back."""
        while answer.status_code in {302, 303}:
            location = urljoin(answer.url, answer.headers["Location"])
            ours = location.startswith(self.sign_in.url)
            answer = (
                self.send("GET", location)
                if ours
                else requests.get(location, allow_redirects=False, timeout=10)
            )
        return answer


@contextmanager
def sign_in_of(cloud: LocalCloud, stack: str) -> Iterator[SignIn]:
    """Start a provider that knows the console of a stack, before the stack is deployed."""
    url = cloud.api_url(stack, "ConsoleApi", "console")
    with OidcTwin([OLGA, VICTOR, SAM]) as twin:
        twin.register(Client(CLIENT_ID, "", [f"{url}/sign-in/answer"], [f"{url}/signed-out"]))
        yield SignIn(url, twin)
