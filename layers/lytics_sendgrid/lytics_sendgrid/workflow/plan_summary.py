"""The plan of a run, for a person to read."""

from typing import Literal

from pydantic import Field

from lytics_sendgrid.workflow.state_part import StatePart


class ToCreate(StatePart):
    """Names of what a run creates in SendGrid."""

    custom_fields: tuple[str, ...]
    segments: tuple[str, ...]


class ToReuse(ToCreate):
    """Names of what a run finds in SendGrid and uses."""

    contact_list: str | None = Field(alias="list")


class Estimate(StatePart):
    """How long a run takes, what it costs on AWS, and what both figures are based on."""

    minutes: int
    aws_dollars: float
    basis: str


class AudienceChange(StatePart):
    """An audience that a start adds to its export or removes from it.

    Attributes:
        name: in Lytics.
        people: in it, as Lytics counts; None: unknown.
        becomes: ``added``; ``cleared``: everybody is taken out of its segment; ``deleted``: then the segment
            is deleted; ``kept``: it stays as it is; ``shared``: another export has it, too.
    """

    name: str
    people: int | None
    becomes: Literal["added", "cleared", "deleted", "kept", "shared"]


class Difference(StatePart):
    """What a start changes in an export that was started before. The plan's notes say the same in words.

    Attributes:
        audiences_added: new ones.
        audiences_removed: those that the input leaves out.
        fields_new: names of SendGrid fields that the export fills from now on.
        fields_stale: names of SendGrid fields that nobody fills any more.
        list_changed: the contacts go to another list.
        email_field_changed: people are identified by another Lytics field.
        left_out: how many entries of the lists there was no room for. Only there if it is not 0.
    """

    audiences_added: tuple[AudienceChange, ...]
    audiences_removed: tuple[AudienceChange, ...]
    fields_new: tuple[str, ...]
    fields_stale: tuple[str, ...]
    list_changed: bool
    email_field_changed: bool
    left_out: int = 0


class PlanSummary(StatePart):
    """The plan for a person to read.

    Attributes:
        create: what the run creates in SendGrid.
        reuse: what it finds there.
        people: in all audiences; a person counts once in each.
        estimate: time and cost.
        notes: what to know, the most important first.
        difference: what changes in the export; None: it is new.
    """

    create: ToCreate
    reuse: ToReuse
    people: int
    estimate: Estimate
    notes: tuple[str, ...]
    difference: Difference | None = None
