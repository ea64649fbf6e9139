"""Who gets through: every request passes here. Only the sign-in itself and assets need no session."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.console.context import Visitor
from functions.console.render import page
from functions.console.signin.roles import Identity, lists_from
from functions.console.signin.sessions import Sessions
from functions.console.signin.way_back import way_back
from functions.console.web import MAX_NAME_CHARS, console, cookies, header, is_fragment

OPEN: Final = ("/sign-in", "/sign-in/answer", "/sign-out", "/signed-out")
OPEN_FOLDERS: Final = ("/assets/",)

type Next = Callable[[Any], Response[Any]]


def gate(app: Any, next_middleware: Next) -> Response[Any]:
    """Refuse requests from other sites, and let only people through who are signed in and on a list.

    The visitor is then in the context of the page.
    """
    if app.current_event.http_method != "GET" and not _is_ours(app):
        return page("signin/foreign.html", app, status=403)
    path = app.context["_path"]
    if path in OPEN or path.startswith(OPEN_FOLDERS):
        return next_middleware(app)
    collaborators = console(app)
    sessions = Sessions(collaborators.store, collaborators.new_token)
    identity = sessions.of(cookies(app), collaborators.clock.now())
    if identity is None:
        return _sign_in_first(app, path)
    role = lists_from(
        collaborators.settings.console_operators, collaborators.settings.console_viewers
    ).role_of(identity)
    if role is None:
        return refused(app, identity)
    app.append_context(visitor=Visitor(identity.subject, identity.email, identity.groups, role))
    if any(len(part) > MAX_NAME_CHARS for part in path.split("/")):
        raise NotFoundError
    return next_middleware(app)


def refused(app: Any, identity: Identity) -> Response[Any]:
    """Return the page for somebody who is signed in at the provider and may not use the console."""
    return page("signin/refused.html", app, status=403, email=identity.email)


def _is_ours(app: Any) -> bool:
    """Return whether a request that changes something comes from one of our own pages."""
    if header(app, "Origin") != console(app).links.origin:
        return False
    return header(app, "Sec-Fetch-Site") in {"", "same-origin"}


def _sign_in_first(app: Any, path: str) -> Response[Any]:
    """Lead to the sign-in, and then back: to the page, or to the one from which a form was sent.

    Our policy for forms forbids a redirect from one to the provider, and browsers block it without a word.
    So a form gets a page with a link.
    """
    links = console(app).links
    if is_fragment(app):
        shown = header(app, "HX-Current-URL")
        return Response(401, headers={"HX-Redirect": _sign_in(app, links.page_of(shown))})
    if app.current_event.http_method != "GET":
        sign_in = _sign_in(app, links.page_of(header(app, "Referer")))
        return page("signin/ended.html", app, status=401, sign_in=sign_in)
    return Response(303, headers={"Location": _sign_in(app, path)})


def _sign_in(app: Any, asked: str | None) -> str:
    return console(app).links.to(f"/sign-in?{urlencode({'to': way_back(asked)})}")
