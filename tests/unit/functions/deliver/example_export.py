"""The export of deliver's tests: two audiences in one field, two mapped fields, no list."""

from dataclasses import replace

from functions.deliver.export_views import View
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.sendgrid.row import RowForm

READERS = "8a2d4c6e0b1f43579d8e7c6b5a493827"
BUYERS = "5f1c0e6b9a7d4e2f8b3c1d0a9e8f7a61"
SEGMENTS = "e9_T"

EXPORT = Export(
    name="newsletter",
    authorization="default",
    account="acme",
    version=3,
    email_field="email",
    fields=(
        MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
        MappedField("city", "e1_T", "city", FieldKind.TEXT, 1000),
    ),
    audiences=(Audience(READERS, "Readers", "readers"), Audience(BUYERS, "Buyers", "buyers")),
)
FORM = RowForm(
    version=3,
    audiences={READERS: SEGMENTS, BUYERS: SEGMENTS},
    since={READERS: 0, BUYERS: 0},
    lists={},
    fields=frozenset({"e1_T"}),
    membership_field=SEGMENTS,
    no_audience_value="none",
)
VIEW = View(EXPORT, FORM, None)


def with_list(view: View, list_id: str, name: str) -> View:
    """Return the view of another export of the account, with a list."""
    form = replace(view.form, lists={**view.form.lists, list_id: name})
    return View(replace(view.export, name=name, list_id=list_id), form, None)


def account_of(view: View) -> Account:
    """Return the account whose rows are made as a view says; each list has an audience of its own."""
    form = view.form
    names = {form.membership_field: "lytics_segments"}
    for field_id in sorted(set(form.audiences.values()) - {form.membership_field}):
        names[field_id] = f"lytics_segments_{len(names)}"
    exports = {audience: (view.export.name,) if audience in form.since else () for audience in form.audiences}
    audiences = {
        audience: ProvisionedAudience(
            names[field_id], None, None, exports[audience], since_ns=form.since.get(audience, 0)
        )
        for audience, field_id in form.audiences.items()
    }
    for list_id, owner in form.lists.items():
        audiences[f"on {list_id}"] = ProvisionedAudience("lytics_segments", None, list_id, (owner,))
    return Account(
        view.export.account,
        form.version,
        {name: field_id for field_id, name in names.items()},
        audiences,
        {view.export.name: tuple(sorted(form.fields))},
    )
