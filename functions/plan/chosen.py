"""Choose the audiences and the list that an input names, of those that both accounts hold."""

import difflib
from collections.abc import Mapping, Sequence

from functions.plan.faults import NOWHERE, Places
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import ContactList, is_audience_id, segment_name
from lytics_sendgrid.workflow.faults import Fault

type Matches = Mapping[str, tuple[LyticsAudience, ...]]
"""Each audience in the input, and what it may refer to: one audience, or none or several if it is unclear."""


def chosen_audiences(
    matches: Matches, listed: Sequence[LyticsAudience], places: Places = NOWHERE
) -> tuple[list[LyticsAudience], list[Fault], list[str]]:
    """Choose the audiences of an input.

    Args:
        matches: what each audience in the input may refer to.
        listed: all audiences, to suggest another name.
        places: where the input names them.

    Returns:
        The audiences, each once, in the input's order; faults; notes.
    """
    chosen: dict[str, LyticsAudience] = {}
    faults: list[Fault] = []
    notes: list[str] = []
    for reference, candidates in matches.items():
        text = _fault(reference, candidates, listed)
        if text is not None:
            faults.append(Fault(text, places.audience(reference)))
        elif candidates[0].id in chosen:
            notes.append(
                f"'{reference}' is in the input more than once: it is the audience '{candidates[0].name}'"
            )
        else:
            chosen[candidates[0].id] = candidates[0]
    return list(chosen.values()), faults, notes


def _fault(
    reference: str, candidates: Sequence[LyticsAudience], listed: Sequence[LyticsAudience]
) -> str | None:
    """Return why what an input names cannot be exported."""
    if not candidates:
        names = [text for audience in listed for text in (audience.name, audience.slug) if text]
        near = difflib.get_close_matches(reference, names, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "copy it from Audiences in Lytics"
        return f"Lytics has no audience of people with the id, slug or name '{reference}': {hint}"
    if len(candidates) > 1:
        ids = ", ".join(f"{audience.slug or audience.name} ({audience.id})" for audience in candidates[:5])
        return (
            f"{len(candidates)} audiences in Lytics are named '{reference}': use the id of one of them: {ids}"
        )
    audience = candidates[0]
    if not is_audience_id(audience.id):
        return (
            f"the audience '{reference}' cannot be exported: its id in Lytics is '{audience.id[:64]}' "
            "instead of 32 hexadecimal digits. Remove it from the input"
        )
    if audience.fault:
        return (
            f"Lytics calls the audience '{audience.name}' invalid ({audience.fault}): fix its rules in "
            "Lytics first"
        )
    return None


def audience_places(matches: Matches, places: Places) -> dict[str, str]:
    """Return where the input names each audience that it names clearly, by the audience's id."""
    found: dict[str, str] = {}
    for reference, candidates in matches.items():
        if len(candidates) == 1:
            found.setdefault(candidates[0].id, places.audience(reference))
    return found


def same_name_faults(audiences: Sequence[LyticsAudience], at: Mapping[str, str]) -> list[Fault]:
    """Return a fault for each two audiences whose segments would have the same name.

    Args:
        audiences: what the export has.
        at: where the input names each of them, by its id.
    """
    first: dict[str, LyticsAudience] = {}
    faults = []
    for audience in audiences:
        name = segment_name(audience.id, audience.name)
        other = first.setdefault(name.casefold(), audience)
        if other is not audience:
            text = (
                f"the audiences {other.id} and {audience.id} are both named '{name}', but SendGrid needs a "
                "different name for each segment: rename one of them in Lytics"
            )
            faults.append(Fault(text, at[audience.id]))
    return faults


def chosen_list(wanted: str, lists: Sequence[ContactList]) -> tuple[ContactList | None, str | None]:
    """Return the list with an id or name, or a fault."""
    for matches in (
        [candidate for candidate in lists if candidate.id == wanted],
        [candidate for candidate in lists if candidate.name == wanted],
        [candidate for candidate in lists if candidate.name.casefold() == wanted.casefold()],
    ):
        if len(matches) == 1:
            return matches[0], None
        if matches:
            ids = ", ".join(match.id for match in matches[:5])
            fault = f"{len(matches)} lists in SendGrid are named '{wanted}': use the id of one of them: {ids}"
            return None, f'"list": {fault}'
    near = difflib.get_close_matches(wanted, [candidate.name for candidate in lists], n=1)
    hint = f"did you mean '{near[0]}'?" if near else "create it in SendGrid first, or leave it out"
    return None, f"\"list\": SendGrid has no list with the id or name '{wanted}': {hint}"
