"""Whole sign-ins over loopback: the console's routes, the real client of the provider, and the twin.

A provider that does anything wrong signs nobody in.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from functions.console.links import Links
from functions.console.signin import attempts, sessions
from functions.console.signin.discovery import MIN_AGE_OF_KEYS_S
from functions.console.signin.provider import OidcProvider
from tests.clock import ManualClock
from tests.doubles.secrets_manager import SecretsManager
from tests.local.oidc_twin import Client, Fault, OidcTwin, Person
from tests.unit.functions.console.scene import BASE_URL, SETTINGS, Page, Scene

OLGA = Person("olga-1", "olga@example.com")
VICTOR = Person("victor-1", "victor@example.com")
SAM = Person("sam-1", "sam@example.com")
GITA = Person("gita-1", "gita@example.com", ("marketing",))


@dataclass
class Browser:
    """A browser that signs in.

    Attributes:
        scene: the console.
        twin: the provider.
        cookies: of the console, by name.
    """

    scene: Scene
    twin: OidcTwin
    cookies: dict[str, str]

    def get(self, path: str) -> Page:
        """Ask the console for a page, and keep its cookies."""
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        page = self.scene.get(path, as_=None, headers={"Cookie": line})
        for cookie in page.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return page

    def ask(self, path: str = "/sign-in?to=/health") -> str:
        """Begin a sign-in, let the provider answer, and return the path of its answer."""
        begun = self.get(path)
        assert begun.status == 303, begun.text
        answer = requests.get(begun.location, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        location = answer.headers["Location"]
        assert location.startswith(f"{BASE_URL}/sign-in/answer?")
        return location.removeprefix(BASE_URL)

    def sign_in(self) -> Page:
        """Sign in, and return the console's answer."""
        return self.get(self.ask())

    @property
    def is_signed_in(self) -> bool:
        return bool(self.cookies.get(sessions.COOKIE))


@pytest.fixture
def twin() -> Iterator[OidcTwin]:
    clock = ManualClock()
    with OidcTwin([OLGA, VICTOR, SAM, GITA], OLGA, clock=clock.now) as made:
        made.register(Client("client-1", "", [f"{BASE_URL}/sign-in/answer"], [f"{BASE_URL}/signed-out"]))
        yield made


def browser_of(twin: OidcTwin, secret: str | None = None, **changes: Any) -> Browser:
    """Return a browser before the console, with the twin as its provider."""
    settings = replace(
        SETTINGS,
        console_issuer=twin.url,
        console_client_credentials="none" if secret is None else "shop/console",
        **changes,
    )
    scene = Scene(settings=settings)
    twin.clock = scene.clock.now
    secrets = cast(Any, SecretsManager({"console": secret or ""}))
    scene.with_["provider"] = OidcProvider(settings, Links(BASE_URL), secrets, scene.clock)
    return Browser(scene, twin, {})


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_sign_in_ends_on_the_page_that_was_asked_for(twin: OidcTwin, algorithm: str) -> None:
    twin.algorithm = algorithm
    browser = browser_of(twin)
    page = browser.sign_in()
    assert (page.status, page.location) == (303, "/console/health")
    assert browser.get("/").status == 200
    assert browser.scene.audits.lines == [{"act": "signed_in", "subject": "olga-1", "role": "operator"}]


def test_request_has_what_a_provider_needs(twin: OidcTwin) -> None:
    browser = browser_of(twin)
    query = parse_qs(urlsplit(browser.get("/sign-in").location).query)
    assert query.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert query["scope"] == ["openid email"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{BASE_URL}/sign-in/answer"]
    other = parse_qs(urlsplit(browser.get("/sign-in?other=1").location).query)
    assert other["prompt"] == ["select_account"]


@pytest.mark.parametrize("secret", ["s3cret", "with:colon %+&="])
def test_client_secret_is_shown_to_the_provider(twin: OidcTwin, secret: str) -> None:
    twin.register(Client("client-1", secret, [f"{BASE_URL}/sign-in/answer"]))
    assert browser_of(twin, json.dumps({"client_secret": secret})).sign_in().status == 303
    wrong = browser_of(twin, json.dumps({"client_secret": "other"}))
    assert wrong.sign_in().status == 500
    (line,) = wrong.scene.audits.lines
    assert "the sign-in provider refuses the console (invalid_client)" in line["reason"]
    assert secret not in str(wrong.scene.audits.lines)


@pytest.mark.parametrize("text", ["", "[]", "secret", '{"client_secret": ""}', "{}"])
def test_secret_that_is_missing_or_of_another_form_signs_nobody_in(twin: OidcTwin, text: str) -> None:
    twin.register(Client("client-1", "s3cret", [f"{BASE_URL}/sign-in/answer"]))
    browser = browser_of(twin, text)
    assert browser.sign_in().status == 500
    assert not browser.is_signed_in


def test_group_of_a_list_is_asked_for_and_lets_in(twin: OidcTwin) -> None:
    twin.signs_in = GITA
    browser = browser_of(twin, console_operators="group:marketing")
    assert "groups" in browser.get("/sign-in").location
    assert browser.sign_in().status == 303
    assert browser.scene.audits.lines[-1]["role"] == "operator"


def test_stranger_is_refused_in_words(twin: OidcTwin) -> None:
    twin.signs_in = SAM
    browser = browser_of(twin)
    page = browser.sign_in()
    assert (page.status, browser.is_signed_in) == (403, False)
    assert "sam@example.com" in page.text


FAULTS_OF_TOKENS = (
    *(Fault.ALG_NONE, Fault.AT_HASH, Fault.AZP, Fault.AUDIENCE, Fault.BAD_SIGNATURE, Fault.EXPIRED),
    *(Fault.FUTURE, Fault.HS256, Fault.ISSUER, Fault.NONCE, Fault.NO_AZP, Fault.NO_EXPIRY, Fault.NO_NONCE),
    *(Fault.NO_TOKEN, Fault.OLD, Fault.SUBJECT, Fault.TOKEN_TEXT, Fault.TOKEN_LARGE, Fault.UNKNOWN_KEY),
)


@pytest.mark.parametrize("fault", FAULTS_OF_TOKENS)
def test_wrong_token_signs_nobody_in(twin: OidcTwin, fault: Fault) -> None:
    browser = browser_of(twin)
    twin.faults = {fault}
    page = browser.sign_in()
    assert (page.status, browser.is_signed_in) == (400, False)
    assert "does not accept the answer" in page.text
    (line,) = browser.scene.audits.lines
    assert line["act"] == "sign_in_refused"
    assert "example.com" not in line["reason"]
    twin.faults = set()
    assert browser.sign_in().status == 303


@pytest.mark.parametrize("fault", [Fault.UNVERIFIED, Fault.VERIFIED_TEXT])
def test_unverified_address_lets_nobody_in(twin: OidcTwin, fault: Fault) -> None:
    browser = browser_of(twin)
    twin.faults = {fault}
    page = browser.sign_in()
    assert (page.status, browser.is_signed_in) == (403, False)
    assert "does not say that it has verified" in page.text


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.DISCOVERY_ISSUER, "set ConsoleIssuer to what"),
        (Fault.DISCOVERY_LARGE, "larger than 65536 bytes"),
        (Fault.DISCOVERY_REDIRECT, "redirects more than 0 times"),
        (Fault.DISCOVERY_TEXT, "is not a JSON object"),
    ],
)
def test_wrong_discovery_leads_nowhere(twin: OidcTwin, fault: Fault, reason: str) -> None:
    browser = browser_of(twin)
    twin.faults = {fault}
    page = browser.get("/sign-in")
    assert (page.status, "not set up correctly" in page.text) == (500, True)
    assert reason in browser.scene.audits.lines[0]["reason"]
    assert "/elsewhere" not in twin.requests


def test_provider_that_is_down_is_a_page_in_words(twin: OidcTwin) -> None:
    browser = browser_of(twin)
    path = browser.ask()
    twin.faults = {Fault.DOWN}
    page = browser.get(path)
    assert (page.status, "does not answer" in page.text) == (503, True)
    assert browser_of(twin).get("/sign-in").status == 503


def test_person_whom_the_provider_refuses_reads_so(twin: OidcTwin) -> None:
    twin.faults = {Fault.DENIED}
    browser = browser_of(twin)
    assert "You cancelled the sign-in" in browser.sign_in().text


def test_replayed_answer_signs_nobody_in(twin: OidcTwin) -> None:
    browser = browser_of(twin)
    path = browser.ask()
    cookie = browser.cookies[attempts.COOKIE]
    assert browser.get(path).status == 303
    thief = Browser(browser.scene, twin, {attempts.COOKIE: cookie})
    assert (thief.get(path).status, thief.is_signed_in) == (400, False)


def test_code_of_another_sign_in_is_refused_by_its_verifier(twin: OidcTwin) -> None:
    """A stranger's code in the victim's own attempt: PKCE and the nonce belong to the other one."""
    browser, stranger = browser_of(twin), browser_of(twin)
    stranger.scene._tokens = 1_000
    stolen = parse_qs(urlsplit(stranger.ask()).query)["code"][0]
    own = parse_qs(urlsplit(browser.ask()).query)
    page = browser.get(f"/sign-in/answer?state={own['state'][0]}&code={stolen}")
    assert (page.status, browser.is_signed_in) == (400, False)
    assert "invalid_grant" in browser.scene.audits.lines[0]["reason"]


def test_rotated_keys_are_read_again(twin: OidcTwin) -> None:
    browser = browser_of(twin)
    assert browser.sign_in().status == 303
    twin.rotate()
    assert browser.sign_in().status == 400  # read less than a minute ago
    browser.scene.clock.move(MIN_AGE_OF_KEYS_S)
    assert browser.sign_in().status == 303
    assert twin.requests.count("/keys") == 2
    assert twin.requests.count("/.well-known/openid-configuration") == 1


def test_sign_out_leads_to_the_provider_and_back(twin: OidcTwin) -> None:
    browser = browser_of(twin)
    browser.sign_in()
    page = browser.get("/signed-out")
    (url,) = [part for part in page.html.split('"') if "/logout?" in part]
    answer = requests.get(url.replace("&amp;", "&"), allow_redirects=False, timeout=5)
    assert answer.headers["Location"] == f"{BASE_URL}/signed-out"


def test_twin_refuses_what_a_provider_refuses(twin: OidcTwin) -> None:
    good = browser_of(twin).get("/sign-in").location
    for old, new in (
        ("client_id=client-1", "client_id=other"),
        ("sign-in%2Fanswer", "sign-in%2Fother"),
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("response_type=code", "response_type=token"),
        ("nonce=", "nonsense="),
    ):
        assert old in good
        answer = requests.get(good.replace(old, new), allow_redirects=False, timeout=5)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_every_fault_of_the_twin_is_tried() -> None:
    others = {
        *(Fault.UNVERIFIED, Fault.VERIFIED_TEXT, Fault.DOWN, Fault.DENIED, Fault.TOKEN_REFUSED),
        *(fault for fault in Fault if fault.name.startswith("DISCOVERY")),
    }
    assert set(FAULTS_OF_TOKENS) | others == set(Fault)
