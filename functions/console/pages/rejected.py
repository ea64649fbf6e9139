"""Rejected people of an export. Viewers see how many, operators who."""

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.console.rejected.listing import Rejected, RejectedPerson
from functions.console.rejected.sheet import MAX_ROWS, sheet
from functions.console.render import page
from functions.console.runs.report import REASONS
from functions.console.web import Router, console, form, operators_only, path_of, visitor
from lytics_sendgrid.domain.configuration import Export

router = Router()

_SHOWN: Final = 200


@router.get("/exports/<name>/rejected")
def show(name: str) -> Response[Any]:
    """Return how many people SendGrid refuses, by reason. It names nobody."""
    export = _export(name)
    return _page(name, reasons=_rejected().reasons(export), beginning="", people=None, whole=True)


@router.post("/exports/<name>/rejected", middlewares=[operators_only])
def search(name: str) -> Response[Any]:
    """Return the rejected people whose addresses begin in a way. An address stands in no URL."""
    export = _export(name)
    typed = next(iter(form(router).get("beginning", ())), "").strip()
    people, whole = _rejected().people(export, typed.lower(), _SHOWN)
    console(router).audit.record(
        "rejected_listed", visitor(router).subject, export=name, people=str(len(people))
    )
    return _page(name, reasons=None, beginning=typed, people=people, whole=whole)


@router.get("/exports/<name>/rejected.csv", middlewares=[operators_only])
def download(name: str) -> Response[Any]:
    """Return the rejected people as CSV."""
    export = _export(name)
    people, whole = _rejected().people(export, "", MAX_ROWS)
    console(router).audit.record(
        "rejected_downloaded", visitor(router).subject, export=name, people=str(len(people))
    )
    headers = {"Content-Disposition": f'attachment; filename="rejected-{name}.csv"'}
    return Response(200, "text/csv; charset=utf-8", sheet(people, whole=whole), headers)


def _export(name: str) -> Export:
    export = console(router).exports.export(name)
    if export is None:
        raise NotFoundError
    return export


def _rejected() -> Rejected:
    return Rejected(console(router).rejected, console(router).clock)


def _page(name: str, **values: Any) -> Response[Any]:
    people: list[RejectedPerson] | None = values["people"]
    return page(
        "exports/rejected.html",
        router,
        export_name=name,
        base=path_of("exports", name),
        texts=REASONS,
        max_rows=MAX_ROWS,
        shown=_SHOWN,
        **values | {"people": people},
    )
