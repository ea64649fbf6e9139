"""What a page can choose from in both accounts: ``catalogue`` asks the vendors, and the console reads it."""

from typing import Final, Literal

from pydantic import Field

from lytics_sendgrid.workflow.state_part import StatePart

KEPT_S: Final = 300
"""How long an answer is kept."""
ASKED_S: Final = 120
"""How long an answer is waited for: the timeout of ``catalogue``."""

type Vendor = Literal["lytics", "sendgrid"]


class AudienceChoice(StatePart):
    """An audience in Lytics. ``fault`` says why Lytics calls it invalid."""

    id: str
    name: str
    slug: str
    size: int | None = None
    fault: str = ""


class FieldChoice(StatePart):
    """A Lytics field, or a custom field in SendGrid, with its type as the vendor writes it."""

    name: str
    type: str


class ListChoice(StatePart):
    """A contact list in SendGrid."""

    id: str
    name: str


class Catalogue(StatePart):
    """What both accounts hold. None: the vendor has not answered yet, or refused.

    Attributes:
        asked_s: when it was asked for, Unix seconds.
        done: both vendors have answered or refused.
        audiences: in Lytics.
        lytics_fields: of people in Lytics.
        lists: in SendGrid.
        sendgrid_fields: custom fields in SendGrid.
        faults: why a vendor has not answered, for a person.
        left_out: how many audiences, ``lytics_fields``, lists and ``sendgrid_fields`` there was no room for.
    """

    asked_s: int
    done: bool = False
    audiences: tuple[AudienceChoice, ...] | None = None
    lytics_fields: tuple[FieldChoice, ...] | None = None
    lists: tuple[ListChoice, ...] | None = None
    sendgrid_fields: tuple[FieldChoice, ...] | None = None
    faults: dict[Vendor, str] = Field(default_factory=dict)
    left_out: dict[str, int] = Field(default_factory=dict)


def catalogue_key(authorization: str) -> str:
    """Return the key of an authorization's catalogue in the console's table."""
    return f"catalogue#{authorization}"
