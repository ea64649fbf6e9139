"""The form of a new or changed export. It is a draft with an address of its own, saved as it is filled in."""

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.console.drafts.choices import choices, chosen_list, name_fields, uses_advanced
from functions.console.drafts.desk import Desk
from functions.console.drafts.draft import Draft
from functions.console.drafts.form import SWITCHES, Fields, filled, form_of, new_form
from functions.console.drafts.offered import ask, authorizations, offered
from functions.console.drafts.placed import is_advanced, placed
from functions.console.render import fragment, page
from functions.console.schedule import next_resync
from functions.console.web import (
    Router,
    console,
    form,
    is_fragment,
    operators_only,
    path_of,
    redirect,
    visitor,
)
from lytics_sendgrid.workflow.faults import Fault

router = Router()

_BLANK_ROWS: Final = 1
_MORE_ROWS: Final = 5
_AFTER: Final = {"add": "#audiences", "row": "?rows=more#custom_fields"}
"""Where a browser without JavaScript is led after a button of the form."""


def desk_of(router: Any) -> Desk:
    """Return the visitor's drafts."""
    return Desk(console(router), visitor(router))


def opened(router: Any, draft_id: str) -> Draft:
    """Return one of the visitor's drafts.

    Raises:
        NotFoundError: it does not exist, has expired, or is somebody else's.
    """
    draft = desk_of(router).open(draft_id)
    if draft is None:
        raise NotFoundError
    return draft


@router.get("/new", middlewares=[operators_only])
def new() -> Response[Any]:
    """Return the page that begins a draft: an address alone must not make one."""
    return page("drafts/new.html", router)


@router.post("/new", middlewares=[operators_only])
def make() -> Response[Any]:
    """Make an empty draft."""
    return redirect(router, path_of("drafts", desk_of(router).make(new_form()).id))


@router.post("/exports/<name>/edit", middlewares=[operators_only])
def edit(name: str) -> Response[Any]:
    """Make a draft that changes an export."""
    return _from_export(name, name)


@router.post("/exports/<name>/copy", middlewares=[operators_only])
def copy(name: str) -> Response[Any]:
    """Make a draft that is like an export and has no name yet."""
    return _from_export(name, "")


@router.post("/drafts/<draft_id>/again", middlewares=[operators_only])
def again(draft_id: str) -> Response[Any]:
    """Make a draft with the form of one that was started: a draft starts one run."""
    draft = _opened_form(draft_id)
    return redirect(router, path_of("drafts", desk_of(router).make(draft.form, draft.changes).id))


@router.get("/drafts/<draft_id>", middlewares=[operators_only])
def show(draft_id: str) -> Response[Any]:
    """Return the form; of a draft that is not a start, or that was started, the page that has taken over."""
    draft = opened(router, draft_id)
    if desk_of(router).started(draft):
        return redirect(router, desk_of(router).run_path(draft))
    if draft.action != "start":
        return redirect(router, path_of("drafts", draft.id, "check"))
    return page("drafts/form.html", router, **_values(draft, desk_of(router).faults(draft)))


@router.get("/drafts/<draft_id>/choices", middlewares=[operators_only])
def choose(draft_id: str) -> Response[Any]:
    """Return the part of the form that needs both accounts, as soon as they have answered."""
    draft = _opened_form(draft_id)
    return fragment("drafts/choices.html", router, **_values(draft, desk_of(router).faults(draft)))


@router.post("/drafts/<draft_id>", middlewares=[operators_only])
def save(draft_id: str) -> Response[Any]:
    """Save the form. htmx gets the choices again if they are another authorization's, otherwise nothing."""
    draft, fields = _opened_form(draft_id), form(router)
    saved = saved_from(router, draft, fields)
    wanted = next(iter(fields.get("do", ())), "")
    if wanted == "ask":
        ask(console(router), saved.form["authorization"], again=True)
    if not is_fragment(router):
        return redirect(router, _base(draft) + _AFTER.get(wanted, ""))
    if saved.form["authorization"] == draft.form["authorization"]:
        return Response(204)
    answer = fragment("drafts/choices.html", router, **_values(saved, ()))
    answer.headers |= {"HX-Retarget": "#choices", "HX-Reswap": "outerHTML"}
    return answer


def saved_from(router: Any, draft: Draft, fields: Fields) -> Draft:
    """Return a draft with what the browser posted of its form, saved."""
    if draft.action != "start" or not fields or desk_of(router).started(draft):
        return draft
    return desk_of(router).save(draft, filled(fields, draft.form, draft.changes))


def _from_export(name: str, to: str) -> Response[Any]:
    export = console(router).exports.export(name)
    if export is None:
        raise NotFoundError
    return redirect(router, path_of("drafts", desk_of(router).make(form_of(export, to), to).id))


def _opened_form(draft_id: str) -> Draft:
    """Return one of the visitor's drafts that has a form: a resync and a stop have none."""
    draft = opened(router, draft_id)
    if draft.action != "start":
        raise NotFoundError
    return draft


def _base(draft: Draft) -> str:
    return path_of("drafts", draft.id)


def _values(draft: Draft, faults: tuple[Fault, ...]) -> dict[str, Any]:
    """Return what the templates of the form show."""
    collaborators = console(router)
    names = collaborators.exports.export_names()
    exports = [export for name in names if (export := collaborators.exports.export(name)) is not None]
    found = offered(collaborators, draft.form["authorization"])
    offer = choices(found.catalogue, draft.form, exports)
    beside = placed(faults, draft.form)
    more = "rows" in (router.current_event.query_string_parameters or {})
    return {
        "draft": draft,
        "base": _base(draft),
        "placed": beside,
        "advanced": more or is_advanced(beside) or uses_advanced(draft.form),
        "authorizations": authorizations(exports),
        "exists": draft.form["export"] in names,
        "ready": found.ready,
        "missing": found.missing,
        "left_out": found.left_out,
        "offer": offer,
        "asked_s": found.catalogue.asked_s,
        "names": name_fields(draft.form, offer),
        "switches": {name: draft.form.get(name, default) for name, default in SWITCHES.items()},
        "chosen_list": chosen_list(draft.form, offer),
        "schedule": collaborators.settings.resync_schedule,
        "next_resync": next_resync(collaborators.settings.resync_schedule, collaborators.clock.now()),
        "blank_rows": _MORE_ROWS if more else _BLANK_ROWS,
    }
