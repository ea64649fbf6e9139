"""The application: every answer's headers, what is not found, what fails."""

import re
import subprocess
import sys

import pytest

from functions.console.signin.way_back import way_back
from lytics_sendgrid.errors import StopRun
from tests.doubles.calls import refusal
from tests.unit.functions.console.scene import VIEWER, Scene


def test_first_page_is_exports() -> None:
    page = Scene().get("/")
    assert page.status == 200
    assert "Exports" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_unknown_address_says_so() -> None:
    page = Scene().get("/nothing")
    assert page.status == 404
    assert "nothing at this address" in page.text
    assert page.headers["cache-control"] == "no-store"


def test_page_says_to_try_again_while_aws_is_busy() -> None:
    scene = Scene()
    cookie = {"Cookie": scene.signed_in()}
    scene.dynamodb.calls.broken = refusal("ThrottlingException", "GetItem", 400)
    page = scene.get("/", headers=cookie)
    assert page.status == 503
    assert "load the page again" in page.text


def test_unexpected_error_reaches_lambda_so_that_the_alarm_rings() -> None:
    scene = Scene()
    cookie = {"Cookie": scene.signed_in()}
    scene.dynamodb.calls.broken = refusal("AccessDeniedException", "GetItem", 400)
    with pytest.raises(StopRun):
        scene.get("/", headers=cookie)


def test_prefix_of_a_custom_domain_is_not_part_of_the_path() -> None:
    assert Scene().get("/console/").status == 200


OPEN_TO_ALL = {"/sign-in", "/sign-in/answer", "/sign-out", "/signed-out", "/assets/<name>"}
VIEWERS_GET = {
    *("/", "/health", "/exports/<name>", "/exports/<name>/rejected"),
    *("/runs/<export>/<run>", "/runs/<export>/<run>/progress"),
}
"""What viewers may look at: counts, and no person."""
FRAGMENTS = {"/drafts/<draft_id>/check", "/drafts/<draft_id>/choices", "/runs/<export>/<run>/progress"}


def _routes() -> list[tuple[str, str]]:
    resolver = Scene().application._resolver
    return [(route.method, route.path) for route in resolver._static_routes + resolver._dynamic_routes]


def _filled(path: str) -> str:
    return re.sub(r"<\w+>", "x1", path)


@pytest.mark.parametrize(("method", "path"), _routes())
def test_viewer_is_stopped_at_every_route_of_operators(method: str, path: str) -> None:
    if path in OPEN_TO_ALL or (method == "GET" and path in VIEWERS_GET):
        return
    scene = Scene()
    answer = (
        scene.get(_filled(path), as_=VIEWER) if method == "GET" else scene.post(_filled(path), as_=VIEWER)
    )
    assert (answer.status, "Operators only" in answer.html) == (403, True)
    written = [name for name, _ in scene.dynamodb.calls.made if name not in {"GetItem", "Query"}]
    assert written == ["PutItem"]  # the session of the test itself
    assert (scene.functions.calls, scene.executions.started, scene.audits.lines) == ([], {}, [])


@pytest.mark.parametrize(("method", "path"), _routes())
def test_nobody_gets_anywhere_without_a_session(method: str, path: str) -> None:
    if path in OPEN_TO_ALL:
        return
    scene = Scene()
    if method == "GET":
        answer = scene.get(_filled(path), as_=None)
        assert (answer.status, answer.location.startswith("/console/sign-in?to=")) == (303, True)
    else:  # browsers block a redirect from a form to the provider
        answer = scene.post(_filled(path), as_=None)
        assert (answer.status, 'href="/console/sign-in?to=' in answer.html) == (401, True)
        assert "location" not in answer.headers
    assert scene.dynamodb.calls.made == []


@pytest.mark.parametrize(("method", "path"), _routes())
def test_other_sites_can_post_to_no_route(method: str, path: str) -> None:
    if method == "POST":
        answer = Scene().post(_filled(path), headers={"Origin": "https://evil.example.com"})
        assert (answer.status, "nothing was changed" in answer.text) == (403, True)


@pytest.mark.parametrize(("method", "path"), _routes())
def test_sign_in_leads_back_to_every_page(method: str, path: str) -> None:
    """Not to a part of a page or a file."""
    if method == "GET" and path not in OPEN_TO_ALL | FRAGMENTS and not path.endswith(".csv"):
        assert way_back(_filled(path)) == _filled(path)


def test_sign_in_libraries_are_imported_only_on_the_way_in() -> None:
    """They take 130 ms, which every other page would pay for at a cold start."""
    names = "{'authlib', 'joserfc', 'cryptography'}"
    code = f"import functions.console.app, sys; print(sys.modules.keys() & {names})"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"
