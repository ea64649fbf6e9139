"""Signing in and out, page by page."""

from urllib.parse import parse_qs, urlsplit

import pytest

from functions.console.signin import attempts, sessions
from functions.console.signin.refusal import SignInRefused
from functions.console.signin.roles import Identity
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from tests.unit.functions.console.scene import OPERATOR, STRANGER, VIEWER, Page, Scene

SIGN_IN = f"{sessions.COOKIE}="


@pytest.fixture
def scene() -> Scene:
    return Scene()


def begun(scene: Scene, path: str = "/sign-in?to=/exports/shop") -> tuple[str, dict[str, str]]:
    """Begin a sign-in; return its state, and the headers of its browser."""
    page = scene.get(path, as_=None)
    assert page.status == 303
    (state,) = parse_qs(urlsplit(page.location).query)["state"]
    return state, {"Cookie": f"{attempts.COOKIE}={page.cookie(attempts.COOKIE)}"}


def answered(scene: Scene, query: str = "code=c1", path: str = "/sign-in?to=/exports/shop") -> Page:
    state, headers = begun(scene, path)
    return scene.get(f"/sign-in/answer?{query}&state={state}", as_=None, headers=headers)


def test_sign_in_leads_to_the_provider_with_state_and_nonce(scene: Scene) -> None:
    page = scene.get("/sign-in", as_=None)
    assert page.location.startswith("https://login.example.com/authorize?state=token-")
    assert "nonce=token-" in page.location
    (line,) = page.cookies
    assert line.endswith("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax")


def test_sign_in_ends_in_a_session_and_on_the_page_that_was_asked_for(scene: Scene) -> None:
    page = answered(scene)
    assert (page.status, page.location) == (303, "/console/exports/shop")
    session = page.cookie(sessions.COOKIE)
    assert scene.get("/", headers={"Cookie": f"{SIGN_IN}{session}"}).status == 200
    assert scene.audits.lines == [{"act": "signed_in", "subject": "operator-1", "role": "operator"}]


@pytest.mark.parametrize(
    "to", ["https://evil.example.com", "//evil.example.com", "/a%0d%0aSet-Cookie:%20x=y", "/sign-out", "%00"]
)
def test_way_back_leads_nowhere_else(scene: Scene, to: str) -> None:
    page = answered(scene, path=f"/sign-in?to={to}")
    assert page.location == "/console/"
    assert not any("x=y" in line for line in page.cookies)


def test_replayed_callback_finds_nothing(scene: Scene) -> None:
    state, headers = begun(scene)
    path = f"/sign-in/answer?code=c1&state={state}"
    assert scene.get(path, as_=None, headers=headers).status == 303
    again = scene.get(path, as_=None, headers=headers)
    assert again.status == 400
    assert again.cookies == []
    assert scene.provider.codes == ["c1"]


def test_answer_without_an_attempt_leads_who_is_signed_in_to_exports(scene: Scene) -> None:
    """The back button and a double click must not end on a page that speaks of a failure."""
    page = scene.get("/sign-in/answer?code=c1&state=made-up", as_=OPERATOR)
    assert (page.status, page.location, page.cookies) == (303, "/console/", [])
    assert scene.provider.codes == []


@pytest.mark.parametrize("query", ["code=c1&state=made-up", "code=c1", "", "state=&code=", "error=x"])
def test_forged_callback_finds_nothing(scene: Scene, query: str) -> None:
    _, headers = begun(scene)
    page = scene.get(f"/sign-in/answer?{query}", as_=None, headers=headers)
    assert page.status == 400
    assert "cannot be finished" in page.text
    assert scene.provider.codes == []


def test_callback_in_another_browser_signs_nobody_in(scene: Scene) -> None:
    """Otherwise a stranger could sign others in as himself, and read what they enter."""
    state, _ = begun(scene)
    _, victim = begun(scene)
    page = scene.get(f"/sign-in/answer?code=c1&state={state}", as_=None, headers=victim)
    assert page.status == 400
    assert scene.provider.codes == []


def test_answer_of_another_issuer_is_not_taken(scene: Scene) -> None:
    assert answered(scene, "code=c1&iss=https://other.example.com").status == 400
    assert answered(scene, "code=c1&iss=https://login.example.com").status == 303


def test_cancelled_sign_in_says_so(scene: Scene) -> None:
    page = answered(scene, "error=access_denied&error_description=<script>")
    assert page.status == 400
    assert "You cancelled the sign-in" in page.text
    assert "<script>" not in page.html.partition("<main")[2]


def test_other_error_of_the_provider_is_a_page_in_words(scene: Scene) -> None:
    page = answered(scene, "error=server_error")
    assert (page.status, "does not accept the answer" in page.text) == (400, True)


def test_refused_token_is_a_page_and_a_line_in_the_log(scene: Scene) -> None:
    scene.provider.identity_or_error = SignInRefused("the ID token is refused: invalid_claim nonce")
    page = answered(scene)
    assert page.status == 400
    assert not any(line.startswith(SIGN_IN) for line in page.cookies)
    reason = "the ID token is refused: invalid_claim nonce"
    assert scene.audits.lines == [{"act": "sign_in_refused", "subject": "", "reason": reason}]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [(ServiceUnavailable("down"), 503, "does not answer"), (StopRun("wrong"), 500, "not set up correctly")],
)
@pytest.mark.parametrize("at", ["begin", "answer"])
def test_provider_that_cannot_be_used_is_a_page(
    scene: Scene, error: Exception, status: int, text: str, at: str
) -> None:
    if at == "begin":
        scene.provider.broken = error
        page = scene.get("/sign-in", as_=None)
    else:
        scene.provider.identity_or_error = error
        page = answered(scene)
    assert (page.status, text in page.text) == (status, True)
    assert scene.audits.lines == [{"act": "sign_in_not_possible", "subject": "", "reason": str(error)}]


def test_who_is_on_no_list_reads_why_and_gets_no_session(scene: Scene) -> None:
    scene.provider.identity_or_error = STRANGER
    page = answered(scene)
    assert page.status == 403
    assert not any(line.startswith(SIGN_IN) for line in page.cookies)
    assert "sam@example.com" in page.text
    assert "ConsoleOperators" in page.text
    assert "/console/sign-in?other=1" in page.html
    assert scene.audits.lines == [{"act": "sign_in_refused", "subject": "stranger-1", "reason": "on no list"}]


def test_unverified_address_reads_that_it_does_not_count(scene: Scene) -> None:
    scene.provider.identity_or_error = Identity("s", None, frozenset({"some"}))
    page = answered(scene)
    assert (page.status, "does not say that it has verified" in page.text) == (403, True)


def test_somebody_else_is_asked_for_another_account(scene: Scene) -> None:
    assert "prompt=select_account" in scene.get("/sign-in?other=1", as_=None).location
    assert "prompt" not in scene.get("/sign-in", as_=None).location


def test_new_sign_in_ends_the_browsers_old_session(scene: Scene) -> None:
    old = scene.signed_in(VIEWER)
    state, headers = begun(scene)
    page = scene.get(
        f"/sign-in/answer?code=c1&state={state}", as_=None, headers={"Cookie": f"{headers['Cookie']}; {old}"}
    )
    assert page.status == 303
    assert scene.get("/", headers={"Cookie": old}).status == 303


def test_sign_out_ends_the_session_for_good(scene: Scene) -> None:
    cookie = {"Cookie": scene.signed_in()}
    page = scene.post("/sign-out", headers=cookie)
    assert (page.status, page.location) == (303, "/console/signed-out")
    assert page.cookie(sessions.COOKIE) == ""
    assert page.headers["clear-site-data"] == '"cache", "storage"'
    assert scene.get("/", headers=cookie).status == 303
    assert scene.audits.lines == [{"act": "signed_out", "subject": "operator-1"}]
    assert scene.post("/sign-out", as_=None).location == "/console/signed-out"


def test_signed_out_page_leads_to_the_providers_sign_out(scene: Scene) -> None:
    page = scene.get("/signed-out", as_=None)
    assert page.status == 200
    assert 'href="https://login.example.com/logout?client_id=client-1"' in page.html
    scene.provider.sign_out = None
    assert "may still be signed in" in scene.get("/signed-out", as_=None).text
    scene.provider.broken = ServiceUnavailable("down")
    assert "may still be signed in" in scene.get("/signed-out", as_=None).text


def test_sign_out_by_a_link_changes_nothing(scene: Scene) -> None:
    cookie = {"Cookie": scene.signed_in()}
    assert scene.get("/sign-out", headers=cookie).status == 404
    assert scene.get("/", headers=cookie).status == 200


def test_nobody_is_signed_in_without_the_provider(scene: Scene) -> None:
    """Every key of a session in the table was written behind the provider's answer."""
    for path in ("/sign-in", "/sign-in/answer?code=c", "/signed-out", "/"):
        scene.get(path, as_=None)
    scene.post("/sign-in", {"email": OPERATOR.email}, as_=None)
    assert not any(key[0].startswith("session#") for key in scene.dynamodb.console.items)
