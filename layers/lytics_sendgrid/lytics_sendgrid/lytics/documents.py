"""Lytics' JSON documents as our types: audiences, pages of a scan, profiles, jobs and authorizations.

Lytics is not strict about types: numbers may be text, empty lists null. That is accepted where it does no
harm, and refused where it would hide a loss.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.lytics.answers import list_of, object_of, unreadable

_COUNT: Final = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LyticsAudience:
    """An audience as Lytics knows it.

    Attributes:
        id: 32 lower-case hex digits; the only name that never changes.
        name: what marketers see.
        slug: can be changed in Lytics.
        kind: ``segment`` for what marketers call an audience.
        size: how many people Lytics counts in it; None if unknown.
        fault: why Lytics calls it invalid; empty if it is valid.
    """

    id: str
    name: str
    slug: str
    kind: str = "segment"
    size: int | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ScanPage:
    """One page of an audience's members.

    Attributes:
        rows: flat profiles. Fields that a person lacks are absent.
        cursor: where the next page begins; empty on the last page.
        total: how many people Lytics counts in the audience; None if unknown.
        date_ns: Lytics' clock when it answered, nanoseconds since 1970 in whole seconds; None without a
            ``Date``.
    """

    rows: tuple[Mapping[str, Any], ...]
    cursor: str
    total: int | None
    date_ns: int | None


@dataclass(frozen=True, slots=True)
class LyticsPerson:
    """One profile with its memberships.

    Attributes:
        fields: the profile's fields, without memberships.
        audience_ids: ids of the audiences that the person is in.
        audience_slugs: their slugs.
    """

    fields: Mapping[str, Any]
    audience_ids: frozenset[str]
    audience_slugs: frozenset[str]

    def is_in(self, audience_id: str, slug: str) -> bool:
        """Return whether the person is in an audience. Its slug counts only if Lytics shows no ids."""
        return audience_id in self.audience_ids or (not self.audience_ids and slug in self.audience_slugs)


@dataclass(frozen=True, slots=True)
class LyticsJob:
    """A job.

    Attributes:
        id: Lytics' id.
        name: chosen by a person or by us.
        workflow: such as ``webhook_triggers`` or ``sendgrid_export_new``.
        status: ``running sleeping paused pausing initializing failed completed deleted deleting unknown
            fault-N``.
        config: the workflow's own configuration.
        auth_ids: the authorizations that it uses.
        document: the whole answer, because an update must send back what it does not change.
    """

    id: str
    name: str
    workflow: str
    status: str
    config: Mapping[str, Any]
    auth_ids: tuple[str, ...]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeaderAuthorization:
    """An authorization as Lytics lists it, without its secrets."""

    id: str
    label: str
    type: str


def audience_from(data: Mapping[str, Any]) -> LyticsAudience | None:
    """Return an audience, or None if the segment is not one of people or has no id."""
    identity, name = data.get("id"), data.get("name")
    if not isinstance(identity, str) or not identity or data.get("table") not in (None, "", "user"):
        return None
    slug = data.get("slug_name")
    return LyticsAudience(
        id=identity,
        name=name if isinstance(name, str) else "",
        slug=slug if isinstance(slug, str) else "",
        kind=str(data.get("kind") or "segment"),
        size=whole_number(data.get("size")),
        fault=str(data.get("invalid_reason") or "no reason given") if data.get("invalid") is True else "",
    )


def matching(audiences: Sequence[LyticsAudience], reference: str) -> tuple[LyticsAudience, ...]:
    """Return the audiences that an id, a slug or a name may mean, in that order of precedence.

    Returns:
        Several audiences if they share the name.
    """
    wanted = reference.strip()
    tests: tuple[Callable[[LyticsAudience], bool], ...] = (
        lambda audience: audience.id == wanted.lower(),
        lambda audience: audience.slug == wanted,
        lambda audience: audience.name == wanted,
        lambda audience: audience.name.casefold() == wanted.casefold(),
    )
    for matches in tests:
        matched = tuple(audience for audience in audiences if matches(audience))
        if matched:
            return matched
    return ()


def scan_page_from(document: Mapping[str, Any], answered_ns: int | None, what: str) -> ScanPage:
    """Return a page of a scan. Its cursor is ``_next``, or ``next`` in older documents.

    Raises:
        ServiceUnavailable: the document is not of the documented form.
    """
    if "data" not in document:
        raise unreadable(what, "no data")
    cursor = document.get("_next")
    if cursor is None:
        cursor = document.get("next")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        cursor = str(cursor)
    if cursor is not None and not isinstance(cursor, str):
        raise unreadable(what, "a cursor that is not a text")
    return ScanPage(
        tuple(list_of(document, what)), cursor or "", whole_number(document.get("total")), answered_ns
    )


def person_from(document: Mapping[str, Any], what: str) -> LyticsPerson | None:
    """Return one profile, or None if there is none.

    Lytics answers a missing profile with 200, ``"Not Found"`` and the placeholder segments ``not_found`` and
    ``all`` (Lytics agent-skills, lytics-profiles/lookup.md, 2026-05). A look-up that timed out looks similar,
    and is not an answer.

    Raises:
        ServiceUnavailable: the look-up timed out, or the answer is not of the documented form.
    """
    message = str(document.get("message") or "").casefold()
    if message == "timed out":
        raise ServiceUnavailable(f"Lytics could not answer {what} in time")
    if message == "not found":
        return None
    data = object_of(document, what)
    if not isinstance(data.get("segments"), list) and not isinstance(data.get("segments_all"), list):
        raise unreadable(what, "a profile without its memberships")
    slugs, ids = _texts(data.get("segments")), _texts(data.get("segments_all"))
    if "not_found" in slugs:
        return None
    fields = {name: value for name, value in data.items() if name not in {"segments", "segments_all"}}
    return LyticsPerson(fields, ids, slugs)


def job_from(data: Mapping[str, Any]) -> LyticsJob | None:
    """Return a job, or None if it has no id."""
    identity, config = data.get("id"), data.get("config")
    if not isinstance(identity, str) or not identity:
        return None
    return LyticsJob(
        id=identity,
        name=str(data.get("name") or ""),
        workflow=str(data.get("workflow") or ""),
        status=str(data.get("status") or data.get("state") or "unknown"),
        config=config if isinstance(config, dict) else {},
        auth_ids=tuple(_text_list(data.get("auth_ids"))),
        document=data,
    )


def authorization_from(data: Mapping[str, Any]) -> HeaderAuthorization | None:
    """Return an authorization, or None if it has no id."""
    identity = data.get("id")
    if not isinstance(identity, str) or not identity:
        return None
    label = data.get("label") or data.get("name") or ""
    return HeaderAuthorization(identity, str(label), str(data.get("type") or ""))


def whole_number(value: Any) -> int | None:
    """Return a count, which Lytics writes as a number or as text, or None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return int(value)
    return None


def _text_list(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _texts(value: Any) -> frozenset[str]:
    return frozenset(_text_list(value))
