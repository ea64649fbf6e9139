"""Names for the ids in SendGrid's messages: a person knows the fields and lists by their names."""

import re
from collections.abc import Iterable
from dataclasses import replace

from functions.deliver.export_views import View
from functions.deliver.upsert_result import UpsertFault
from lytics_sendgrid.domain.configuration import MEMBERSHIP_FIELD


def with_names(fault: UpsertFault, views: Iterable[View]) -> UpsertFault:
    """Return a fault whose ids of custom fields and lists are followed by their names.

    Args:
        fault: with SendGrid's words.
        views: the exports of the refused rows.
    """
    names: dict[str, str] = {}
    for view in views:
        names |= dict.fromkeys((view.form.membership_field, *view.form.audiences.values()), MEMBERSHIP_FIELD)
        names |= {field.sendgrid: field.name for field in view.export.fields if field.is_custom}
        if view.export.list_id is not None and view.export.list_name:
            names[view.export.list_id] = view.export.list_name
    ids = re.compile("|".join(rf"(?<!\w){re.escape(known)}(?!\w)" for known in names) or r"(?!)")

    def named(text: str) -> str:
        return ids.sub(lambda match: f"{match[0]} ('{names[match[0]]}')", text)

    return replace(fault, reason=named(fault.reason), refusal=named(fault.refusal))
