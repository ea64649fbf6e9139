"""Signing in and out."""

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console.render import page
from functions.console.signin import attempts, sessions
from functions.console.signin.attempts import Attempts
from functions.console.signin.gate import refused
from functions.console.signin.refusal import SignInRefused
from functions.console.signin.roles import Identity, lists_from
from functions.console.signin.sessions import Sessions
from functions.console.signin.way_back import EXPORTS
from functions.console.web import Router, console, cookies, redirect
from lytics_sendgrid.errors import RetryLater, StopRun

router = Router()

_CANCELLED: Final = "access_denied"


@router.get("/sign-in")
def sign_in() -> Response[Any]:
    """Lead to the provider."""
    collaborators = console(router)
    begun = Attempts(collaborators.store, collaborators.new_token).begin(
        _query("to"), cookies(router), collaborators.clock.now()
    )
    try:
        url = collaborators.provider.authorization_url(begun, as_another=_query("other") == "1")
    except (RetryLater, StopRun) as error:
        return _not_possible(error)
    cookie = sessions.set_cookie(attempts.COOKIE, begun.browser, attempts.ATTEMPT_S)
    return Response(303, headers={"Location": url, "Set-Cookie": [cookie]})


@router.get("/sign-in/answer")
def answer() -> Response[Any]:
    """Take the provider's answer: begin a session, or say why not. Each answer is taken once.

    The cookie of the attempts stays until it expires: another tab may be signing in with it.
    """
    collaborators = console(router)
    sent, now_s = cookies(router), collaborators.clock.now()
    attempt = Attempts(collaborators.store, collaborators.new_token).take(_query("state") or "", sent, now_s)
    kept = Sessions(collaborators.store, collaborators.new_token)
    if attempt is None and kept.of(sent, now_s) is not None:
        return redirect(router, EXPORTS)  # the back button, a double click, or another tab was first
    if attempt is None or _query("iss") not in {None, collaborators.settings.console_issuer}:
        return page("signin/again.html", router, status=400, why="old")
    code = _query("code")
    if not code:
        why = "cancelled" if _query("error") == _CANCELLED else "refused"
        return page("signin/again.html", router, status=400, why=why)
    try:
        identity = collaborators.provider.identity(code, attempt)
    except SignInRefused as error:
        collaborators.audit.record("sign_in_refused", "", reason=str(error))
        return page("signin/again.html", router, status=400, why="refused")
    except (RetryLater, StopRun) as error:
        return _not_possible(error)
    return _began(identity, attempt.to)


def _began(identity: Identity, to: str) -> Response[Any]:
    """Begin a session in place of the browser's former one, if who signed in is on a list."""
    collaborators = console(router)
    held = lists_from(
        collaborators.settings.console_operators, collaborators.settings.console_viewers
    ).role_of(identity)
    if held is None:
        collaborators.audit.record("sign_in_refused", identity.subject, reason="on no list")
        return refused(router, identity)
    kept = Sessions(collaborators.store, collaborators.new_token)
    kept.end(cookies(router))
    token = kept.begin(identity, collaborators.clock.now())
    collaborators.audit.record("signed_in", identity.subject, role=held)
    cookie = sessions.set_cookie(sessions.COOKIE, token, sessions.SESSION_S)
    return Response(303, headers={"Location": collaborators.links.to(to), "Set-Cookie": [cookie]})


@router.post("/sign-out")
def sign_out() -> Response[Any]:
    """End the session. Only a link leads to the provider: our policy for forms forbids a redirect."""
    collaborators = console(router)
    kept = Sessions(collaborators.store, collaborators.new_token)
    sent = cookies(router)
    identity = kept.of(sent, collaborators.clock.now())
    kept.end(sent)
    if identity is not None:
        collaborators.audit.record("signed_out", identity.subject)
    return Response(
        303,
        headers={
            "Location": collaborators.links.to("/signed-out"),
            "Set-Cookie": [sessions.drop_cookie(sessions.COOKIE)],
            # Not "cookies": that would also sign out of every other page of the same domain.
            "Clear-Site-Data": '"cache", "storage"',
        },
    )


@router.get("/signed-out")
def signed_out() -> Response[Any]:
    """Say that the session has ended, with a link to the provider's own sign-out."""
    try:
        url = console(router).provider.sign_out_url()
    except (RetryLater, StopRun):
        url = None
    return page("signin/signed_out.html", router, sign_out_url=url)


def _query(name: str) -> str | None:
    value = router.current_event.get_query_string_value(name)
    return value or None


def _not_possible(error: Exception) -> Response[Any]:
    """Say that nobody can sign in now. The reason is for operators, in the log."""
    console(router).audit.record("sign_in_not_possible", "", reason=str(error))
    is_busy = isinstance(error, RetryLater)
    return page("signin/not_possible.html", router, status=503 if is_busy else 500, is_busy=is_busy)
