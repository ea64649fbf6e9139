"""What the form of an export offers, made from what both accounts hold and what was filled in."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.console.drafts.form import NAMES, SWITCHES, input_of
from lytics_sendgrid.domain.configuration import KIND_OF, Export
from lytics_sendgrid.sendgrid.fields import WRITABLE_RESERVED
from lytics_sendgrid.workflow.catalogue import AudienceChoice, Catalogue

_TEXT: Final = "string"
_EMAIL_NAMES: Final = ("email", "e_mail", "mail")
_MEMBERSHIP: Final = "lytics_segments"
ADVANCED_KEYS: Final = frozenset({"list", "custom_fields", "removed_audiences", *SWITCHES})
"""Keys of the input that controls below *Show Advanced Options* fill, without the names."""


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """An audience in the picker.

    Attributes:
        reference: what the form posts: its id, or what was typed in.
        name: in Lytics.
        hint: its slug, if several audiences have this name; empty otherwise.
        size: people in it; None: unknown.
        exports: names of the other exports that have it.
        is_selected: it is part of this export.
        fault: why Lytics calls it invalid.
        is_listed: Lytics has it.
    """

    reference: str
    name: str
    hint: str = ""
    size: int | None = None
    exports: tuple[str, ...] = ()
    is_selected: bool = False
    fault: str = ""
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class Option:
    """A choice in a list.

    Attributes:
        value: what the form posts.
        label: what is shown.
    """

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Target:
    """A SendGrid field that a Lytics field may go to, and its type."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers.

    Attributes:
        audiences: the selected ones first, each part in the order of names.
        email_likely: Lytics fields that probably hold the address, the likeliest first.
        texts: all Lytics fields of type string.
        sources: Lytics fields that SendGrid can hold, with their Lytics type and SendGrid's type for it.
        targets: SendGrid fields.
        lists: SendGrid's lists.
    """

    audiences: tuple[AudienceRow, ...]
    email_likely: tuple[str, ...]
    texts: tuple[str, ...]
    sources: tuple[tuple[str, str, str], ...]
    targets: tuple[Target, ...]
    lists: tuple[Option, ...]

    @property
    def email_others(self) -> tuple[str, ...]:
        """The other Lytics fields that can hold an address."""
        return tuple(name for name in self.texts if name not in self.email_likely)

    @property
    def selected(self) -> tuple[AudienceRow, ...]:
        """The audiences of the export."""
        return tuple(row for row in self.audiences if row.is_selected)

    @property
    def people(self) -> int:
        """People in the selected audiences. A person in several counts once in each."""
        return sum(row.size or 0 for row in self.selected)


def choices(catalogue: Catalogue, form: Mapping[str, Any], exports: Iterable[Export]) -> Choices:
    """Return what the form offers.

    Args:
        catalogue: what both accounts hold. A vendor that has not answered offers nothing.
        form: what was filled in.
        exports: all exports.
    """
    fields = catalogue.lytics_fields or ()
    texts = [field.name for field in fields if field.type == _TEXT]
    likely = sorted(filter(_likelihood, texts), key=lambda name: (_likelihood(name), name.casefold()))
    return Choices(
        audiences=_audiences(catalogue.audiences or (), form, exports),
        email_likely=tuple(likely),
        texts=tuple(texts),
        sources=tuple((f.name, f.type, KIND_OF[f.type]) for f in fields if f.type in KIND_OF),
        targets=_targets(catalogue),
        lists=_lists(catalogue),
    )


def name_fields(form: Mapping[str, Any], offer: Choices) -> dict[str, str]:
    """Return the Lytics fields that the form has for first and last name; empty: not sent.

    If nothing was chosen yet, these are the fields that ``plan`` takes by default, unless Lytics lacks them.
    """
    return {
        key: form.get(key, default if default in offer.texts or not offer.texts else "")
        for key, default in NAMES.items()
    }


def chosen_list(form: Mapping[str, Any], offer: Choices) -> tuple[str, str]:
    """Return the id of the list that the form has, and what it has instead if SendGrid has no such list."""
    wanted = form.get("list", "")
    for option in offer.lists:
        if wanted in {option.value, option.label}:
            return option.value, ""
    return wanted, wanted


def uses_advanced(form: Mapping[str, Any]) -> bool:
    """Return whether a form has something below *Show Advanced Options*."""
    document = input_of(form)
    names = any(document.get(key, default) != default for key, default in NAMES.items())
    return names or bool(document.keys() & ADVANCED_KEYS)


def _audiences(
    listed: Sequence[AudienceChoice], form: Mapping[str, Any], exports: Iterable[Export]
) -> tuple[AudienceRow, ...]:
    wanted = list(dict.fromkeys(form["audiences"]))
    others: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for export in exports:
        for audience in export.audiences:
            names[audience.id] = audience.name
            if export.name != form["export"]:
                others.setdefault(audience.id, []).append(export.name)
    known = {reference: _meant(listed, reference) for reference in wanted}
    selected = {audience.id: reference for reference, audience in known.items() if audience is not None}
    count = Counter(audience.name.casefold() for audience in listed)
    rows = [
        AudienceRow(
            reference=selected.get(audience.id, audience.id),
            name=audience.name,
            hint=audience.slug if count[audience.name.casefold()] > 1 or not audience.name.strip() else "",
            size=audience.size,
            exports=tuple(others.get(audience.id, ())),
            is_selected=audience.id in selected,
            fault=audience.fault,
        )
        for audience in listed
    ]
    unlisted = [
        AudienceRow(reference, names.get(reference, reference), is_selected=True, is_listed=False)
        for reference in wanted
        if known[reference] is None
    ]
    return (*unlisted, *sorted(rows, key=lambda row: not row.is_selected))


def _meant(listed: Sequence[AudienceChoice], reference: str) -> AudienceChoice | None:
    """Return the audience that a reference means, if it means exactly one, in the order of ``plan``."""
    for matches in (
        [audience for audience in listed if audience.id == reference.lower()],
        [audience for audience in listed if audience.slug == reference],
        [audience for audience in listed if audience.name == reference],
        [audience for audience in listed if audience.name.casefold() == reference.casefold()],
    ):
        if matches:
            return matches[0] if len(matches) == 1 else None
    return None


def _likelihood(name: str) -> int:
    """Return 1 for the likeliest name of an e-mail field, larger numbers for others, and 0 for none."""
    folded = name.casefold()
    if folded in _EMAIL_NAMES:
        return 1 + _EMAIL_NAMES.index(folded)
    return 9 if "mail" in folded else 0


def _targets(catalogue: Catalogue) -> tuple[Target, ...]:
    custom = [
        Target(field.name, field.type)
        for field in catalogue.sendgrid_fields or ()
        if not field.name.casefold().startswith(_MEMBERSHIP)
    ]
    reserved = [Target(name, "Text") for name in sorted(WRITABLE_RESERVED) if name not in NAMES.values()]
    return (*custom, *reserved)


def _lists(catalogue: Catalogue) -> tuple[Option, ...]:
    lists = catalogue.lists or ()
    count = Counter(contact_list.name.casefold() for contact_list in lists)
    return tuple(
        Option(
            contact_list.id,
            contact_list.name
            if count[contact_list.name.casefold()] == 1
            else f"{contact_list.name} ({contact_list.id})",
        )
        for contact_list in lists
    )
