"""The form of an export: from its fields, and to an execution's input."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.console.web import MAX_NAME_CHARS
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.workflow.faults import Fault, pointer

type Fields = Mapping[str, Sequence[str]]
"""A form as a browser posts it: each field with its values, in the order of the page."""

CHOICES: Final = "choices"
"""A hidden field. The page has it once it shows what can be chosen: before, a missing field means nothing."""

SWITCHES: Final[Mapping[str, bool]] = {
    "backfill": True,
    "subscribe": True,
    "adopt": False,
    "delete_segments": False,
    "repair_segments": False,
}
"""Keys of the input that are true or false, with their defaults."""

_TEXTS: Final = ("email_field", "first_name_field", "last_name_field", "list", "removed_audiences")
_DEFAULT_EMAIL_FIELD: Final = "email"
NAMES: Final[Mapping[str, str]] = {"first_name_field": "first_name", "last_name_field": "last_name"}
"""The controls for names, with the SendGrid field of each and the Lytics field that is the default."""


def new_form(export: str = "") -> dict[str, Any]:
    """Return the form of a new export."""
    return {"export": export, "authorization": "default", "audiences": [], "rows": []}


def filled(fields: Fields, former: Mapping[str, Any], changes: str = "") -> dict[str, Any]:
    """Return a form after a person has changed it.

    Args:
        fields: that the browser posted.
        former: the form as it was saved. What the page did not show stays as it was.
        changes: the name of the export that it changes, which it keeps; empty: it makes an export.
    """
    form = dict(former)
    for name in ("export", "authorization"):
        if name in fields:
            # The controls take 64 letters. The check refuses what a page did not send.
            form[name] = _first(fields, name)[:MAX_NAME_CHARS]
    if changes:
        form["export"] = changes
    if form.get("authorization") != former.get("authorization"):
        # The other account's audiences, fields and lists have nothing to do with it.
        return {**new_form(form["export"]), "authorization": form["authorization"]}
    if CHOICES not in fields:
        return form
    audiences = [reference.strip() for reference in fields.get("audiences", ())]
    if _first(fields, "do") == "add":
        audiences.append(_first(fields, "add"))
    form["audiences"] = list(dict.fromkeys(filter(None, audiences)))
    for name in _TEXTS:
        if name in fields:
            form[name] = _first(fields, name)
    form["rows"] = _rows(fields)
    for name in SWITCHES:
        form[name] = name in fields
    return form


def input_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the execution's input that a form means. What is as by default is left out."""
    if "action" in form:
        return dict(form)
    document: dict[str, Any] = {
        "export": form["export"],
        "authorization": form["authorization"],
        "audiences": list(form["audiences"]),
    }
    if form.get("email_field", _DEFAULT_EMAIL_FIELD) != _DEFAULT_EMAIL_FIELD:
        document["email_field"] = form["email_field"]
    document |= {name: form[name] or None for name in NAMES if name in form}
    if form.get("list"):
        document["list"] = form["list"]
    if form["rows"]:
        document["custom_fields"] = dict(reversed([_target(row) for row in form["rows"]]))
    document |= {
        name: form[name] for name, default in SWITCHES.items() if form.get(name, default) is not default
    }
    if form.get("removed_audiences") == "keep":
        document["removed_audiences"] = "keep"
    return document


def form_faults(form: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return what an execution's input cannot say, and so a check would not find."""
    sources = [row[0] for row in form.get("rows", ())]
    return tuple(
        Fault(
            f"the Lytics field '{source}' has several rows, but it can go to one SendGrid field only: remove "
            "the others",
            pointer("custom_fields", source),
        )
        for source in dict.fromkeys(sources)
        if sources.count(source) > 1
    )


def form_of(export: Export, name: str) -> dict[str, Any]:
    """Return the form that leads to the configuration of an export.

    Args:
        export: the export.
        name: of the export that the form makes or changes.
    """
    sources = {field.name: field.lytics for field in export.fields if not field.is_custom}
    names = set(NAMES.values())
    rows = [[field.lytics, field.name] for field in export.fields if field.name not in names]
    return {
        "export": name,
        "authorization": export.authorization,
        "audiences": [audience.id for audience in export.audiences],
        "email_field": export.email_field,
        **{key: sources.get(target, "") for key, target in NAMES.items()},
        "list": export.list_id or "",
        "rows": rows,
        # A webhook job that was made by hand must not get a second one beside it.
        **({"subscribe": export.lytics_job is not None} if name == export.name else {}),
    }


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "").strip()


def _rows(fields: Fields) -> list[list[str]]:
    """Return the rows of the mapping, each a Lytics field and a SendGrid field, without empty ones."""
    pairs = zip(fields.get("from", ()), fields.get("to", ()), strict=False)
    rows = [[source.strip(), target.strip()] for source, target in pairs]
    return [row for row in rows if any(row)]


def _target(row: Sequence[str]) -> tuple[str, str]:
    """Return one row. Without a SendGrid field, the Lytics field's name is meant."""
    source, target = row
    return source, target or source
