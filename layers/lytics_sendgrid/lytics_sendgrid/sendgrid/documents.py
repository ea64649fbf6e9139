"""SendGrid's answers as our types: fields, lists, segments and contacts, and errors from refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from lytics_sendgrid.errors import (
    AnswerLost,
    KeyRefused,
    LyticsSendGridError,
    RequestRefused,
    ServiceUnavailable,
)
from lytics_sendgrid.sendgrid.resources import (
    ContactList,
    CustomField,
    Segment,
    SendGridContact,
    SingleSend,
)
from lytics_sendgrid.sendgrid.upsert_answer import messages, without_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lytics_sendgrid.transport.client import Answer

HOW_TO_PERMIT: Final = (
    "in SendGrid open Settings > API Keys, give the key Restricted Access > Marketing: Full Access, or make "
    "a new key with it and put that into the secret"
)
SEARCH: Final = "a search for contacts"
"""Names the request in messages."""
_MAX_MESSAGE_CHARS: Final = 300
_NOT_VALUES: Final = frozenset({"id", "custom_fields", "list_ids", "segment_ids", "_metadata"})


def document_of(
    answer: Answer, what: str, *, writes: bool = False, with_message: bool = True
) -> Mapping[str, Any]:
    """Return a successful answer's JSON object, or raise what the refusal means to the caller.

    Args:
        answer: of any status but 429.
        what: what was requested, for our message. Must not hold an address.
        writes: whether the request changes something, so that an unreadable success may have worked.
        with_message: whether our message may repeat SendGrid's, because that holds no address.

    Raises:
        KeyRefused: 401 or 403.
        ServiceUnavailable: 5xx, 408, or a success that is not a JSON object.
        AnswerLost: such a success of a write.
        RequestRefused: any other status.
    """
    if not 200 <= answer.status < 300:
        raise _refusal(answer, what, message_of(answer.json()) if with_message else "")
    document = answer.json()
    if not isinstance(document, dict):
        raise unreadable(what, writes=writes)
    return document


def _refusal(answer: Answer, what: str, message: str) -> LyticsSendGridError:
    status = answer.status
    summary = f"SendGrid answered {status} for {what}" + (f": {message}" if message else "")
    if status == 401:
        return KeyRefused(
            f"{summary}. The API key is wrong, was deleted or belongs to another region: "
            f"put a valid one into the secret as sendgrid_api_key"
        )
    if status == 403:
        return KeyRefused(
            f"{summary}. The API key lacks the permission: {HOW_TO_PERMIT}", lacks_permission=True
        )
    if status >= 500 or status == 408:
        return ServiceUnavailable(summary)
    if 300 <= status < 400:
        return RequestRefused(
            f"{summary}, a redirect: correct the parameter SendGridUrl, it does not lead to SendGrid's API"
        )
    return RequestRefused(summary)


def unreadable(what: str, *, writes: bool = False) -> LyticsSendGridError:
    """Return the error for a success of undocumented form."""
    text = f"SendGrid's answer for {what} is not as documented: a proxy's page, or a truncated answer"
    return AnswerLost(text) if writes else ServiceUnavailable(text)


def field_from(data: Mapping[str, Any]) -> CustomField | None:
    """Return a custom field, or None if the document is not one."""
    identity, name, kind = data.get("id"), data.get("name"), data.get("field_type")
    if isinstance(identity, str) and isinstance(name, str) and isinstance(kind, str) and identity and name:
        return CustomField(identity, name, kind)
    return None


def list_from(data: Mapping[str, Any]) -> ContactList | None:
    """Return a list, or None if the document is not one."""
    identity, name = data.get("id"), data.get("name")
    if isinstance(identity, str) and isinstance(name, str) and identity:
        return ContactList(identity, name)
    return None


def segment_from(data: Mapping[str, Any]) -> Segment | None:
    """Return a segment, or None if the document is not one."""
    identity, name = data.get("id"), data.get("name")
    if not isinstance(identity, str) or not isinstance(name, str) or not identity:
        return None
    parents = data.get("parent_list_ids")
    lists = [parent for parent in parents if isinstance(parent, str)] if isinstance(parents, list) else []
    if not lists and isinstance(data.get("parent_list_id"), str):
        lists = [data["parent_list_id"]]
    status = data.get("status")
    status = status if isinstance(status, dict) else {}
    count, counted_at, query = (
        data.get("contacts_count"),
        data.get("sample_updated_at"),
        data.get("query_dsl"),
    )
    return Segment(
        identity,
        name,
        lists[0] if lists and lists[0] else None,
        query if isinstance(query, str) else None,
        count if isinstance(count, int) and not isinstance(count, bool) else None,
        str(status.get("query_validation") or "").upper(),
        str(status.get("error_message") or "")[:_MAX_MESSAGE_CHARS],
        counted_at if isinstance(counted_at, str) else None,
    )


def single_send_from(data: Mapping[str, Any]) -> SingleSend | None:
    """Return a Single Send, or None if the document is not one. A list of them lacks the segments."""
    identity, name, to = data.get("id"), data.get("name"), data.get("send_to")
    if not isinstance(identity, str) or not identity:
        return None
    segment_ids = texts(to.get("segment_ids")) if isinstance(to, dict) else []
    return SingleSend(
        identity,
        name if isinstance(name, str) and name else identity,
        str(data.get("status") or ""),
        frozenset(segment_ids),
    )


def contact_from(data: Mapping[str, Any]) -> SendGridContact:
    """Return a contact of a look-up. What the document lacks is empty."""
    custom = data.get("custom_fields")
    return SendGridContact(
        str(data.get("id") or ""),
        {name: value for name, value in data.items() if name not in _NOT_VALUES},
        custom if isinstance(custom, dict) else {},
        tuple(texts(data.get("list_ids"))),
        tuple(texts(data.get("segment_ids"))),
    )


def objects_under(document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]] | None:
    """Return the list of objects under a key, or None if there is none. Null counts as an empty list."""
    if key not in document:
        return None
    objects = document[key]
    if objects is None:
        return ()
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        return None
    return objects


def texts(value: object) -> list[str]:
    """Return the texts in a list, or none if the value is not a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def message_of(document: object) -> str:
    """Return SendGrid's messages in a refusal as one text, without addresses, truncated.

    Empty if there are none.
    """
    return "; ".join(dict.fromkeys(map(without_addresses, messages(document))))[:_MAX_MESSAGE_CHARS]


def read_one[T](
    data: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T | None], what: str, *, writes: bool = True
) -> T:
    """Return what an object is.

    Args:
        data: the object.
        read: returns None for an object of another form.
        what: what was requested, for our message.
        writes: whether the request changes something.
    """
    thing = read(data)
    if thing is None:
        raise unreadable(what, writes=writes)
    return thing


def read_all[T](
    objects: Sequence[Mapping[str, Any]] | None, read: Callable[[Mapping[str, Any]], T | None], what: str
) -> tuple[T, ...]:
    """Return what each object of a list is."""
    if objects is None:
        raise unreadable(what)
    return tuple(read_one(data, read, what, writes=False) for data in objects)


def contacts_found(answer: Answer, emails: Iterable[str]) -> dict[str, SendGridContact]:
    """Return the contacts of a search. SendGrid reports a missing contact by a message only."""
    result = document_of(answer, SEARCH, with_message=False).get("result")
    if not isinstance(result, dict):
        raise unreadable(SEARCH)
    entries = {email.lower(): entry for email, entry in result.items() if isinstance(entry, dict)}
    contacts = {
        email: contact_from(entry["contact"])
        for email, entry in entries.items()
        if isinstance(entry.get("contact"), dict)
    }
    for email in {email.lower() for email in emails} - contacts.keys():
        if "not found" not in str(entries.get(email, {}).get("error")).casefold():
            raise unreadable(SEARCH)
    return contacts


def page_token(next_url: object, what: str) -> str | None:
    """Return the token in the next page's URL, or None if there is no next page."""
    if next_url is None:
        return None
    if not isinstance(next_url, str):
        raise unreadable(what)
    try:
        tokens = parse_qs(urlsplit(next_url).query).get("page_token")
    except ValueError as error:
        raise unreadable(what) from error
    return tokens[0] if tokens else None
