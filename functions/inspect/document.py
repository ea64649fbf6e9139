"""The answer of ``inspect`` as JSON values."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.inspect.differences import differences
from functions.inspect.findings import Findings, MembershipRow, field_rows, membership_rows, membership_value
from lytics_sendgrid.domain.contact import Rejection
from lytics_sendgrid.domain.erasure import Hold
from lytics_sendgrid.domain.instants import format_ms, format_rfc3339, format_s


def answer_document(found: Findings) -> dict[str, Any]:
    """Return the answer as JSON values.

    Returns:
        ``answer`` in one sentence; ``differences``, each with what to do; ``audiences`` and ``fields`` side
        by side; and what else ``ledger``, ``sendgrid`` and ``lytics`` know.
    """
    sentences = differences(found)
    memberships = membership_rows(found)
    return {
        "export": found.export.name,
        "answer": _answer(found, memberships, sentences),
        "differences": sentences,
        "audiences": [
            {
                "id": row.audience.id,
                "name": row.audience.name,
                "lytics": row.lytics,
                "ledger": row.ledger,
                "sendgrid": row.sendgrid,
                "segment": row.segment,
                "last_event": format_rfc3339(row.event_ns) if row.event_ns else None,
            }
            for row in memberships
        ],
        "fields": {
            row.mapped.name: {"lytics": row.lytics, "ledger": row.ledger, "sendgrid": row.sendgrid}
            for row in field_rows(found)
        },
        "ledger": _ledger(found),
        "sendgrid": _sendgrid(found),
        "lytics": {"known": None if found.lytics_fault else found.lytics is not None},
        "stop": found.stop,
        "erased": _erased(found.hold),
    }


def _answer(found: Findings, memberships: Sequence[MembershipRow], sentences: Sequence[str]) -> str:
    if sentences:
        more = f" ({len(sentences) - 1} more below)" if len(sentences) > 1 else ""
        return sentences[0] + more
    inside = [f"'{row.audience.name}'" for row in memberships if row.ledger]
    if not inside and found.lytics is None:
        return "Neither Lytics nor SendGrid nor the ledger knows this person in any of the export's audiences"
    where = f"in {', '.join(inside)}" if inside else "not in any of the export's audiences"
    return f"All agree: the person is {where}"


def _ledger(found: Findings) -> dict[str, Any]:
    contact = found.contact
    return {
        "known": contact.version > 0,
        "lists": list(contact.lists),
        "last_sent": format_ms(contact.sent_ms) if contact.sent_ms else None,
        "import_job": contact.job,
        "rejection": _rejection(contact.rejection) if contact.rejection else None,
    }


def _rejection(rejection: Rejection) -> dict[str, str]:
    return {"reason": rejection.reason, "message": rejection.message, "at": format_ms(rejection.at_ms)}


def _sendgrid(found: Findings) -> dict[str, Any]:
    if found.sendgrid_fault is not None:
        return {"known": None}
    contact = found.sendgrid
    membership: Mapping[str, str] = {
        name: membership_value(found, name) for name in found.account.membership_fields
    }
    return {
        "known": contact is not None,
        "membership": membership,
        "lists": list(contact.list_ids) if contact else [],
        "updated_at": contact.values.get("updated_at") if contact else None,
    }


def _erased(hold: Hold | None) -> dict[str, str] | None:
    if hold is None:
        return None
    return {"at": format_s(hold.at_s), "kept_out_until": format_s(hold.until_s)}
