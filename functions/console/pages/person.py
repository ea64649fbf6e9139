"""Person: why somebody is, or is not, in a segment. For operators, and never in an address."""

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console.render import page
from functions.console.web import Router, console, form, operators_only, visitor
from lytics_sendgrid.errors import InputInvalid, RetryLater, StopRun

router = Router()

WAIT_S: Final = 15
"""Wait this long for both vendors. API Gateway gives up after 29 seconds."""
_NO_ADDRESS: Final = "Enter the person's e-mail address."
_BUSY: Final = "The look-up did not end in time. Nothing was changed: try again."
_UNKNOWN: Final = "There is no export of this name any more."


@router.get("/person", middlewares=[operators_only])
def ask() -> Response[Any]:
    """Return the form."""
    return _page()


@router.post("/person", middlewares=[operators_only])
def answer() -> Response[Any]:
    """Ask ``inspect``, and return the form with its answer below."""
    sent = form(router)
    export, email = sent.get("export", [""])[-1], sent.get("email", [""])[-1].strip()
    if not email:
        return _page(422, export, email, email_fault=_NO_ADDRESS)
    if export not in console(router).exports.export_names():
        return _page(422, export, email, export_fault=_UNKNOWN)
    question = {"export": export, "email": email, "wait_s": WAIT_S, "asked_by": visitor(router).subject}
    collaborators = console(router)
    try:
        found = collaborators.functions.invoke(collaborators.settings.inspect_function, question)
    except InputInvalid as error:
        return _page(422, export, email, email_fault=str(error))
    except StopRun as error:
        return _page(503, export, email, trouble=str(error))
    except RetryLater:
        return _page(503, export, email, trouble=_BUSY)
    return _page(200, export, email, found=found)


def _page(
    status: int = 200,
    export: str = "",
    email: str = "",
    *,
    email_fault: str = "",
    export_fault: str = "",
    trouble: str = "",
    found: dict[str, Any] | None = None,
) -> Response[Any]:
    return page(
        "person/person.html",
        router,
        status,
        names=console(router).exports.export_names(),
        export=export,
        email=email,
        email_fault=email_fault,
        export_fault=export_fault,
        trouble=trouble,
        found=found,
    )
