"""What every page's module uses."""

import pytest
from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console import web
from tests.unit.functions.console.scene import OPERATOR, STRANGER, VIEWER, Scene


@pytest.fixture
def router() -> web.Router:
    router = web.Router()

    @router.get("/health", middlewares=[web.operators_only])
    def secret() -> Response[str]:
        return Response(200, "text/html", web.visitor(router).name)

    @router.post("/health")
    def posted() -> Response[str]:
        return Response(200, "text/html", repr(web.form(router)))

    @router.get("/person")
    def elsewhere() -> Response[str]:
        return web.redirect(router, web.path_of("exports", "a b/c"))

    return router


@pytest.fixture
def scene(router: web.Router) -> Scene:
    return Scene(routers=(router,))


def test_operator_passes_where_only_operators_may(scene: Scene) -> None:
    assert scene.get("/health", as_=OPERATOR).html == "olga@example.com"


def test_viewer_reads_that_only_operators_may(scene: Scene) -> None:
    page = scene.get("/health", as_=VIEWER)
    assert page.status == 403
    assert "Ask an operator" in page.text


def test_stranger_does_not_get_as_far(scene: Scene) -> None:
    assert scene.get("/health", as_=STRANGER).status == 403


def test_redirect_carries_the_prefix_and_escapes(scene: Scene) -> None:
    page = scene.get("/person")
    assert (page.status, page.location) == (303, "/console/exports/a%20b%2Fc")


def test_form_has_every_value_of_a_field(scene: Scene) -> None:
    page = scene.post("/health", {"audience": ["a", "b"], "name": "", "text": "ü&="})
    assert page.html == repr({"audience": ["a", "b"], "name": [""], "text": ["ü&="]})


def test_body_that_is_no_form_has_no_fields(scene: Scene) -> None:
    assert scene.post("/health").html == "{}"


def test_form_that_is_too_large_is_refused(scene: Scene) -> None:
    assert scene.post("/health", {"a": ["x"] * (web.MAX_FORM_FIELDS + 1)}).status == 413
    assert scene.post("/health", {"a": "ü" * (web.MAX_FORM_BYTES // 6)}).status == 413
