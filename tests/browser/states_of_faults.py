"""Sign-ins, refusals, and what is shown while something does not work, the gateway's own pages among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from functions.console.signin.roles import Identity
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from tests.browser.state import State
from tests.template.sources import Template
from tests.unit.functions.console.pages.run_scene import scene_with_export
from tests.unit.functions.console.scene import OPERATOR, STRANGER, VIEWER, Page, Scene

NAMELESS: Final = Identity("nameless-1", None, frozenset())


class _Down:
    """Part of AWS that does not answer."""

    def __getattr__(self, _: str) -> Any:
        raise ServiceUnavailable("down")


def _busy() -> tuple[Scene, str]:
    scene = scene_with_export()
    scene.with_["history"] = _Down()
    return scene, "/exports/newsletter"


def _no_provider(error: Exception, path: str) -> tuple[Scene, str]:
    scene = Scene()
    scene.provider.broken = error
    return scene, path


def _of_the_gateway() -> Iterator[State]:
    """Return the answers that the gateway gives without the console, from the template."""
    answers = Template().resources["ConsoleApi"]["Properties"]["GatewayResponses"]
    for name, answer in answers.items():
        headers = answer["ResponseParameters"]["Headers"]
        shown = Page(
            answer.get("StatusCode", 500),
            {header.lower(): value.strip("'") for header, value in headers.items()},
            [],
            answer["ResponseTemplates"]["text/html"],
        )
        title = f"gateway, {name.lower().replace('_', ' ')}"
        yield State(title, lambda: (Scene(), "/"), None, shown.status, shown=shown)


STATES: Final = (
    State("signed out", lambda: (Scene(), "/signed-out"), None),
    State(
        "signed out, provider silent", lambda: _no_provider(ServiceUnavailable("down"), "/signed-out"), None
    ),
    State("sign-in failed", lambda: (Scene(), "/sign-in/answer"), None, 400),
    State(
        "sign-in, provider silent", lambda: _no_provider(ServiceUnavailable("down"), "/sign-in"), None, 503
    ),
    State("sign-in not set up", lambda: _no_provider(StopRun("no issuer"), "/sign-in"), None, 500),
    State("session ended as a form was sent", lambda: (Scene(), "/new"), None, 401, {}),
    State("stranger", lambda: (Scene(), "/"), STRANGER, 403),
    State("stranger without an address", lambda: (Scene(), "/"), NAMELESS, 403),
    State("operators only", lambda: (Scene(), "/new"), VIEWER, 403),
    State("form of another site", lambda: (Scene(), "/new"), OPERATOR, 403, {}, {"Origin": "null"}),
    State("page that does not exist", lambda: (Scene(), "/nothing"), OPERATOR, 404),
    State("AWS is busy", _busy, OPERATOR, 503),
    *_of_the_gateway(),
)
