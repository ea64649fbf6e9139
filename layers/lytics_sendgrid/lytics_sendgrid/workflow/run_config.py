"""What ``provision`` carries out, and what it did."""

from pydantic import Field

from lytics_sendgrid.domain.configuration import FieldKind
from lytics_sendgrid.workflow.state_part import StatePart


class FieldConfig(StatePart):
    """One Lytics field, the SendGrid field that it goes to, and the longest text that field takes."""

    lytics: str
    name: str
    kind: FieldKind
    custom: bool
    max_chars: int


class ListConfig(StatePart):
    """The SendGrid list that contacts are put on."""

    id: str
    name: str


class SegmentConfig(StatePart):
    """The segment of one audience.

    Attributes:
        audience: its id.
        name: the segment's name; None: it follows from the audience's, as ``segment_name`` says.
        field: the membership field that the segment's query reads.
        rename: the audience was renamed in Lytics, and the segment still has the name that it was given.
        exists: SendGrid had the segment before the run. Otherwise this product makes it.
        repair: the segment's query was changed in SendGrid, and the run gives it back.
        replaces: our present segment, which is deleted first: SendGrid cannot move a segment to another list.
    """

    audience: str
    name: str | None = None
    field: str
    rename: bool = False
    exists: bool = False
    repair: bool = False
    replaces: str | None = None


class RunConfig(StatePart):
    """What ``provision`` carries out.

    Attributes:
        adopt: take over a membership field that this product did not create.
        email_field: the Lytics field that holds the address.
        mapping: the other fields.
        membership_fields: name to id; None: to be created.
        contact_list: the list, if any.
        segments: one for each audience.
    """

    adopt: bool
    email_field: str
    mapping: tuple[FieldConfig, ...]
    membership_fields: dict[str, str | None]
    contact_list: ListConfig | None = Field(alias="list")
    segments: tuple[SegmentConfig, ...]


class Provisioned(StatePart):
    """What ``provision`` did.

    Attributes:
        version: of the account's configuration.
        fields: names of the custom fields that were created.
        segments: how many segments were created.
        adopted: how many existing segments this product took over, because their name and query are an
            audience's. Only there if it is not 0.
        renamed: how many segments were renamed like their audiences. Only there if it is not 0.
        repaired: how many segments' queries were restored. Only there if it is not 0.
        notes: for a person. Only there if there are any.
    """

    version: int
    fields: tuple[str, ...]
    segments: int
    adopted: int = 0
    renamed: int = 0
    repaired: int = 0
    notes: tuple[str, ...] = ()
