"""Check an input's mapping of Lytics fields to SendGrid fields against both accounts."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from functions.plan.faults import NOWHERE, Places
from functions.plan.input import StartInput
from lytics_sendgrid.domain.configuration import KIND_OF, MEMBERSHIP_FIELD, FieldKind
from lytics_sendgrid.sendgrid.fields import IDENTIFIERS, READ_ONLY_RESERVED, TEXT_CHARS, WRITABLE_RESERVED
from lytics_sendgrid.sendgrid.resources import CustomField, by_name, is_field_name
from lytics_sendgrid.workflow.faults import Fault, pointer


@dataclass(frozen=True, slots=True)
class PlannedField:
    """One line of the mapping.

    Attributes:
        lytics: the Lytics field.
        name: the SendGrid field, reserved or custom.
        kind: its type.
        custom: whether it is a custom field.
        id: of the existing custom field; None: to be created, or a reserved field.
    """

    lytics: str
    name: str
    kind: FieldKind
    custom: bool
    id: str | None = None

    @property
    def max_chars(self) -> int:
        """The longest text that the SendGrid field takes."""
        return TEXT_CHARS if self.custom else WRITABLE_RESERVED[self.name]


@dataclass(frozen=True, slots=True)
class FieldsPlan:
    """The mapping, its faults and its notes."""

    fields: tuple[PlannedField, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def plan_fields(
    wanted: StartInput,
    schema: Mapping[str, str] | None,
    existing: Sequence[CustomField] | None,
    faulty: Collection[str] = frozenset(),
    places: Places = NOWHERE,
) -> FieldsPlan:
    """Check the mapping of an input.

    Args:
        wanted: the input.
        schema: Lytics' fields and their types; None: they could not be read.
        existing: SendGrid's custom fields; None: they could not be read.
        faulty: keys of the input that have a fault of their own.
        places: where the input names the fields.
    """
    planner = _Planner(wanted, schema, by_name(existing or ()), places)
    if "email_field" not in faulty:
        planner.check_email()
    planner.plan_custom_fields()
    planner.plan_name("first_name_field", "first_name")
    planner.plan_name("last_name_field", "last_name")
    return FieldsPlan(tuple(planner.fields), tuple(planner.faults), tuple(planner.notes))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mapping is: its keys as the input has them, and a JSON pointer."""

    keys: str
    at: str

    def fault(self, text: str) -> Fault:
        return Fault(f"{self.keys}: {text}", self.at)


@dataclass(slots=True)
class _Planner:
    wanted: StartInput
    schema: Mapping[str, str] | None
    existing: Mapping[str, CustomField]
    places: Places
    fields: list[PlannedField] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)

    def check_email(self) -> None:
        name = self.wanted.email_field
        place = _Place('"email_field"', pointer("email_field"))
        kind = self._type(name, place)
        if kind not in {None, "string"}:
            self.faults.append(
                place.fault(
                    f"the Lytics field '{name}' is of type {kind}: choose a field of type "
                    "string that holds the e-mail address"
                )
            )

    def plan_custom_fields(self) -> None:
        for lytics, target in self.wanted.custom_fields.items():
            where = _Place(f'"custom_fields": "{lytics}": "{target}"', self.places.custom_field(lytics))
            other = self.targets.setdefault(target.casefold(), lytics)
            if other != lytics:
                self.faults.append(
                    where.fault(f"the Lytics field '{other}' already goes there: keep one of the two")
                )
            self._plan(lytics, target, where)

    def plan_name(self, key: str, target: str) -> None:
        lytics: str | None = getattr(self.wanted, key)
        where = _Place(f'"{key}"', pointer(key))
        is_default = key not in self.wanted.model_fields_set
        if lytics is None or (is_default and target in self.targets):
            return
        if is_default and self.schema is not None and self.schema.get(lytics) != "string":
            self.notes.append(
                f"Lytics has no field '{lytics}' of type string, so SendGrid's {target} is not set"
            )
        elif target in self.targets:
            self.faults.append(
                where.fault(
                    f"the Lytics field '{self.targets[target]}' already goes to SendGrid's {target}, by "
                    f'"custom_fields": remove one of the two ("{key}": null)'
                )
            )
        else:
            self._plan(lytics, target, where)

    def _plan(self, lytics: str, target: str, where: _Place) -> None:
        fault = _target_fault(target)
        if fault is not None:
            self.faults.append(where.fault(fault))
        kind = self._kind(lytics, where)
        if fault is not None or kind is None:
            return
        reserved = target.casefold()
        if reserved in WRITABLE_RESERVED:
            if kind is FieldKind.TEXT:
                self.fields.append(PlannedField(lytics, reserved, kind, custom=False))
            else:
                self.faults.append(
                    where.fault(
                        f"SendGrid's {reserved} holds text, but the Lytics field '{lytics}' holds a "
                        f"{kind.lower()}: choose a field of type string"
                    )
                )
            return
        known = self.existing.get(target.casefold())
        if known is not None and known.type.casefold() != kind.casefold():
            self.faults.append(
                where.fault(
                    f"SendGrid has a custom field '{known.name}' of type {known.type}, but the Lytics "
                    f"field '{lytics}' needs type {kind}: choose another name"
                )
            )
        elif known is not None:
            self.fields.append(PlannedField(lytics, known.name, kind, custom=True, id=known.id))
        else:
            self.fields.append(PlannedField(lytics, target, kind, custom=True))

    def _kind(self, lytics: str, where: _Place) -> FieldKind | None:
        lytics_type = self._type(lytics, where)
        kind = KIND_OF.get(lytics_type or "")
        if lytics_type is not None and kind is None:
            self.faults.append(
                where.fault(
                    f"the Lytics field '{lytics}' is of type {lytics_type or 'unknown'}, which SendGrid "
                    f"cannot hold: choose a field of one of the types {', '.join(KIND_OF)}"
                )
            )
        return kind

    def _type(self, lytics: str, where: _Place) -> str | None:
        if self.schema is None or lytics in self.schema:
            return None if self.schema is None else self.schema[lytics]
        near = difflib.get_close_matches(lytics, self.schema, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "the names are under Data > Schema in Lytics"
        self.faults.append(where.fault(f"Lytics has no field '{lytics}': {hint}"))
        return None


def _target_fault(target: str) -> str | None:
    name = target.casefold()
    if name in IDENTIFIERS:
        return (
            f"SendGrid finds contacts by {name}, and contacts are exported by their e-mail address alone: "
            "choose another name"
        )
    if name in READ_ONLY_RESERVED:
        return f"SendGrid sets {name} itself: choose another name"
    if name.startswith(MEMBERSHIP_FIELD):
        return f"'{target}' is reserved for the audiences: choose another name"
    if name not in WRITABLE_RESERVED and not is_field_name(target):
        return (
            "a SendGrid field's name has 1 to 100 letters (A to Z), digits and underscores and does not "
            "begin with a digit: choose another name"
        )
    return None
