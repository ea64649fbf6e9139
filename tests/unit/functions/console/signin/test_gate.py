"""Who gets through."""

from dataclasses import replace

import pytest

from functions.console.signin.roles import Identity
from functions.console.signin.sessions import COOKIE, SESSION_S
from tests.unit.functions.console.scene import BASE_URL, OPERATOR, SETTINGS, STRANGER, VIEWER, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_stranger_is_led_to_the_sign_in_and_back(scene: Scene) -> None:
    page = scene.get("/exports/newsletter", as_=None)
    assert (page.status, page.location) == (303, "/console/sign-in?to=%2Fexports%2Fnewsletter")
    assert scene.dynamodb.calls.made == []


def test_unknown_address_shows_nothing_to_who_is_not_signed_in(scene: Scene) -> None:
    assert scene.get("/nothing", as_=None).location == "/console/sign-in?to=%2F"


@pytest.mark.parametrize("identity", [OPERATOR, VIEWER])
def test_who_is_on_a_list_gets_through(scene: Scene, identity: Identity) -> None:
    assert scene.get("/", as_=identity).status == 200


def test_who_is_on_no_list_is_refused_without_a_redirect(scene: Scene) -> None:
    page = scene.get("/", as_=STRANGER)
    assert page.status == 403
    assert "location" not in page.headers


def test_who_is_taken_off_a_list_is_out_at_the_next_click(scene: Scene) -> None:
    cookie = {"Cookie": scene.signed_in(VIEWER)}
    assert scene.get("/", headers=cookie).status == 200
    later = Scene(scene.clock, scene.dynamodb, settings=replace(SETTINGS, console_viewers=","))
    assert later.get("/", headers=cookie).status == 403


@pytest.mark.parametrize(
    "cookie",
    [
        f"{COOKIE}={'a' * 43}",
        f"{COOKIE}=",
        f"{COOKIE}={'a' * 44}",
        f"{COOKIE}={'session#' + 'a' * 35}",
        f"{COOKIE}={'ä' * 43}",
        "other=1",
        ";;=;",
    ],
)
def test_made_up_cookie_opens_nothing(scene: Scene, cookie: str) -> None:
    assert scene.get("/", headers={"Cookie": cookie}).status == 303
    looks_right = cookie == f"{COOKIE}={'a' * 43}"
    assert len(scene.dynamodb.calls.made) == looks_right  # others cost nothing


def test_cookie_of_an_ended_session_opens_nothing(scene: Scene) -> None:
    cookie = {"Cookie": scene.signed_in()}
    scene.clock.move(SESSION_S - 1)
    assert scene.get("/", headers=cookie).status == 200
    scene.clock.move(1)
    assert scene.get("/", headers=cookie).status == 303


def test_session_is_found_beside_other_cookies(scene: Scene) -> None:
    assert scene.get("/", headers={"Cookie": f"a=b; {scene.signed_in()}; c=d"}).status == 200


def test_session_is_found_in_cookies_that_http2_has_split(scene: Scene) -> None:
    event = {
        "httpMethod": "GET",
        "path": "/",
        "headers": {"cookie": "c=d"},
        "multiValueHeaders": {"cookie": ["a=b", scene.signed_in(), "c=d"]},
        "requestContext": {},
    }
    assert scene.application.answer(event, None)["statusCode"] == 200


def test_ended_session_makes_htmx_load_the_sign_in(scene: Scene) -> None:
    shown = f"{BASE_URL}/drafts/d1?x=1"
    page = scene.get("/runs/a/b/progress", as_=None, headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert page.status == 401
    assert page.headers["hx-redirect"] == "/console/sign-in?to=%2Fdrafts%2Fd1"


def test_form_sent_after_the_end_gets_a_link_back_to_its_page(scene: Scene) -> None:
    """Browsers block a redirect from a form to the provider."""
    page = scene.post("/drafts/d1/check", as_=None, headers={"Referer": f"{BASE_URL}/drafts/d1"})
    assert page.status == 401
    assert "location" not in page.headers
    assert "Your session has ended" in page.text
    assert 'href="/console/sign-in?to=%2Fdrafts%2Fd1"' in page.html
    assert 'href="/console/sign-in?to=%2F"' in scene.post("/drafts/d1/check", as_=None).html


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"{BASE_URL}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.parametrize("path", ["/sign-out", "/drafts/d1"])
def test_post_of_another_site_is_refused(scene: Scene, path: str, headers: dict[str, str]) -> None:
    page = scene.post(path, headers=headers)
    assert page.status == 403
    assert "nothing was changed" in page.text


def test_post_of_a_browser_that_sends_no_fetch_metadata_passes(scene: Scene) -> None:
    assert scene.post("/nothing", headers={"Sec-Fetch-Site": ""}).status == 404


def test_hosts_that_a_request_names_change_nothing(scene: Scene) -> None:
    forged = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
    page = scene.get("/", as_=None, headers=forged)
    assert page.location == "/console/sign-in?to=%2F"
    assert "evil" not in scene.get("/", headers=forged).html
