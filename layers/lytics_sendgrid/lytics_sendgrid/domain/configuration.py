"""What has been provisioned: an account's fields and segments, and each export's mapping.

An *account* is one SendGrid account. All exports to it share its contacts, custom fields and segments, so
memberships and the fields that hold them belong to the account. An *export* is what a person started:
audiences, mapping, list. Every write of either raises the account's version.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Self

MEMBERSHIP_FIELD: Final = "lytics_segments"
MEMBERSHIP_FIELD_IDS: Final = 30
"""Ids in one field. SendGrid's text fields hold 1,000 characters: 30 ids of 32, and 29 commas, are 989."""


class FieldKind(StrEnum):
    """SendGrid's types of custom fields, as its API writes them."""

    TEXT = "Text"
    NUMBER = "Number"
    DATE = "Date"


KIND_OF: Final[Mapping[str, FieldKind]] = {
    "string": FieldKind.TEXT,
    "int": FieldKind.NUMBER,
    "number": FieldKind.NUMBER,
    "date": FieldKind.DATE,
}
"""The Lytics types that SendGrid can hold, mapped as Lytics' own export does."""


class AudienceState(StrEnum):
    """What becomes of an audience's ids in the membership field.

    Rows hold the ids of ``live``, ``stopped`` and ``kept`` audiences as the ledger has them. ``cleared``: its
    id was taken out of every row; the entry stays while its segment exists. ``deleting``: it is cleared, and
    its segment is about to be deleted, so nothing may use that segment again.
    """

    LIVE = "live"
    STOPPED = "stopped"
    KEPT = "kept"
    CLEARED = "cleared"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True)
class MappedField:
    """One Lytics field and the SendGrid field that it goes to.

    Attributes:
        lytics: the Lytics field's name.
        sendgrid: a reserved field's name (``first_name``) or a custom field's id (``e4_T``), as requests
            write it.
        name: the SendGrid field's name, as responses have it.
        kind: the type of its values.
        max_chars: the longest text that it takes.
    """

    lytics: str
    sendgrid: str
    name: str
    kind: FieldKind
    max_chars: int

    @property
    def is_custom(self) -> bool:
        """Whether requests write it under ``custom_fields``."""
        return self.sendgrid != self.name


@dataclass(frozen=True, slots=True)
class Audience:
    """A Lytics audience. Its id is the key, because a name or a slug can change in Lytics."""

    id: str
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class Export:
    """One export's configuration.

    Attributes:
        name: given by the person who started it; part of the webhook's path.
        authorization: the name of its secret.
        account: the SendGrid account that it writes to.
        version: of the account's configuration when the export was written.
        email_field: the Lytics field that holds the address.
        fields: the mapping, including the names.
        audiences: what it exports.
        list_id: the SendGrid list that its contacts are put on, if any.
        list_name: that list's name.
        lytics_job: id of the webhook job in Lytics, once there is one.
        lytics_auth: id of that job's header authorization.
        stopped_s: when a person stopped it, Unix seconds; None: it is not stopped.
    """

    name: str
    authorization: str
    account: str
    version: int
    email_field: str
    fields: tuple[MappedField, ...]
    audiences: tuple[Audience, ...]
    list_id: str | None = None
    list_name: str | None = None
    lytics_job: str | None = None
    lytics_auth: str | None = None
    stopped_s: int | None = None

    @property
    def audience_ids(self) -> frozenset[str]:
        """The ids of its audiences."""
        return frozenset(audience.id for audience in self.audiences)

    @property
    def lytics_fields(self) -> tuple[str, ...]:
        """Every Lytics field that it needs, each once, the e-mail field first."""
        return tuple(dict.fromkeys((self.email_field, *(mapped.lytics for mapped in self.fields))))


@dataclass(frozen=True, slots=True)
class ProvisionedAudience:
    """An audience in the account.

    Attributes:
        membership_field: the name of the custom field that holds its id.
        segment_id: its segment in SendGrid.
        list_id: the list that the segment is on, if any.
        exports: names of the exports that export it, stopped ones included.
        since_ns: an event that is not later is ignored, nanoseconds since 1970: 15 minutes before the
            audience was last added to the account.
        state: what becomes of its id in the membership field.
        state_since_s: when the state last changed, Unix seconds.
        made: this product created the segment, instead of adopting it.
        delete_segment: delete the segment once the audience is cleared.
        dropped_by: the export that was the last to have the audience, while none has it; empty: unknown. The
            export's removal takes the audience with it.
    """

    membership_field: str
    segment_id: str | None
    list_id: str | None
    exports: tuple[str, ...]
    since_ns: int = 0
    state: AudienceState = AudienceState.LIVE
    state_since_s: int = 0
    made: bool = False
    delete_segment: bool = False
    dropped_by: str = ""

    def is_dropped_by(self, export: str) -> bool:
        """Return whether an export's removal clears the audience, and deletes the segment that we made."""
        return self.made and not self.exports and self.dropped_by == export

    @property
    def is_listed(self) -> bool:
        """Whether rows hold the audience's id."""
        return not self.is_cleared and (bool(self.exports) or self.state is AudienceState.KEPT)

    @property
    def is_cleared(self) -> bool:
        """Whether its id is taken out of every row, so that its entry stays only because of its segment."""
        return self.state in {AudienceState.CLEARED, AudienceState.DELETING}


@dataclass(frozen=True, slots=True)
class Account:
    """A SendGrid account's configuration.

    Attributes:
        name: part of every contact's key.
        version: raised by one with every write of the account or of one of its exports.
        membership_fields: name of each membership field to its id; None: we are about to create it.
        audiences: audience id to what was provisioned for it.
        fields: export to the ids of the custom fields that its mapping writes.
        to_clear: audience id to the Unix time at which the configuration without it was written. It stays
            here until its clearing has settled, even if it was added again meanwhile: whatever run of the
            account comes next finishes the clearing.
        segments_begun: ids of audiences whose segments were about to be created. If the run died before it
            recorded them, the next one finds them by their names, and knows that this product made them.
        written_s: when this version was written, Unix seconds. ``deliver`` keeps a configuration for less
            than three minutes: after that, none of its invocations works with an older one.
    """

    name: str
    version: int = 0
    membership_fields: Mapping[str, str | None] = field(default_factory=dict)
    audiences: Mapping[str, ProvisionedAudience] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    to_clear: Mapping[str, int] = field(default_factory=dict)
    segments_begun: frozenset[str] = frozenset()
    written_s: int = 0

    def field_for(self, audience: str) -> str:
        """Return an audience's membership field: its present one, or the first with room for another id."""
        known = self.audiences.get(audience)
        if known is not None:
            return known.membership_field
        taken = Counter([provisioned.membership_field for provisioned in self.audiences.values()])
        number = 0
        while taken[membership_field_name(number)] >= MEMBERSHIP_FIELD_IDS:
            number += 1
        return membership_field_name(number)

    def with_audience(self, audience: str, provisioned: ProvisionedAudience) -> Self:
        """Return the account with one audience set."""
        return replace(self, audiences={**self.audiences, audience: provisioned})


def membership_field_name(number: int) -> str:
    """Return the nth membership field's name: ``lytics_segments`` for 0, ``lytics_segments_1`` for 1."""
    return MEMBERSHIP_FIELD if number == 0 else f"{MEMBERSHIP_FIELD}_{number}"
