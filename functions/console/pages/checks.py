"""The check of a draft, and the start that it allows: of an export, a resync or a stop."""

import json
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console.drafts.checking import Obstacle
from functions.console.drafts.draft import Check, Draft
from functions.console.drafts.form import input_of
from functions.console.drafts.placed import placed
from functions.console.pages.drafts import desk_of, opened, saved_from
from functions.console.render import fragment, page
from functions.console.web import Router, form, is_fragment, operators_only, path_of, redirect

router = Router()

_TITLES: Final = {"start": "Check", "resync": "Check of a resync", "stop": "Check before the export stops"}
_BUTTONS: Final = {"start": "Start Export", "resync": "Start the resync", "stop": "Stop the export"}


@router.post("/drafts/<draft_id>/check", middlewares=[operators_only])
def begin(draft_id: str) -> Response[Any]:
    """Save the form, and start a dry run of it."""
    draft = saved_from(router, opened(router, draft_id), form(router))
    if not desk_of(router).started(draft):
        desk_of(router).begin_check(draft)
    return redirect(router, path_of("drafts", draft.id, "check"))


@router.get("/drafts/<draft_id>/check", middlewares=[operators_only])
def show(draft_id: str) -> Response[Any]:
    """Return how the check stands. Faults of a form are shown in the form, each beside its control."""
    draft = opened(router, draft_id)
    desk = desk_of(router)
    if desk.started(draft):
        return _lead(desk.run_path(draft))
    check = desk.check(draft)
    if draft.action == "start" and (check is None or desk.faults(draft)):
        return _lead(path_of("drafts", draft.id))
    values = _values(draft, check, desk.obstacle(draft, check))
    if is_fragment(router):
        return fragment("drafts/check_state.html", router, **values)
    return page("drafts/check.html", router, **values)


@router.post("/drafts/<draft_id>/start", middlewares=[operators_only])
def start(draft_id: str) -> Response[Any]:
    """Start the run that was checked, if nothing has changed since. A second click starts nothing."""
    draft = opened(router, draft_id)
    desk = desk_of(router)
    if desk.started(draft) or desk.start_again(draft):
        return redirect(router, desk.run_path(draft))
    check = desk.check(draft)
    obstacle = desk.obstacle(draft, check)
    if obstacle is not None or desk.other_run(draft, check) is not None:
        return redirect(router, path_of("drafts", draft.id, "check"))
    typed = next(iter(form(router).get("confirm", ())), "").strip()
    if _asks_name(draft) and typed != draft.changes:
        values = _values(draft, check, None) | {"wrong_name": True}
        return page("drafts/check.html", router, status=422, **values)
    desk.start(draft)
    return redirect(router, desk.run_path(draft))


def _lead(path: str) -> Response[Any]:
    """Lead a browser to another page, also when htmx has asked for a part of this one."""
    if not is_fragment(router):
        return redirect(router, path)
    return Response(200, headers={"HX-Redirect": redirect(router, path).headers["Location"]})


def _asks_name(draft: Draft) -> bool:
    """Return whether a person must type the export's name: people leave segments, or these are deleted."""
    return draft.action == "stop" and bool(draft.form.get("clear"))


def _values(draft: Draft, check: Check | None, obstacle: Obstacle | None) -> dict[str, Any]:
    faults = check.faults if check is not None else ()
    return {
        "title": _TITLES[draft.action],
        "button": _BUTTONS[draft.action],
        "draft": draft,
        "base": path_of("drafts", draft.id),
        "check": check,
        "state": "ready" if obstacle is None else obstacle.value,
        "other": desk_of(router).other_run(draft, check),
        "placed": placed(faults, draft.form),
        "check_run": path_of("runs", str(draft.form["export"]), check.run) if check is not None else "",
        "asks_name": _asks_name(draft),
        "wrong_name": False,
        "document": json.dumps(input_of(draft.form), indent=1, ensure_ascii=False),
    }
