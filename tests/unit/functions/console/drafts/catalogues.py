"""What both accounts hold, for the tests of the form."""

from typing import Final

from lytics_sendgrid.workflow.catalogue import AudienceChoice, Catalogue, FieldChoice, ListChoice

HIGH_VALUE: Final = "a" * 32
READERS: Final = "b" * 32

CATALOGUE: Final = Catalogue(
    asked_s=0,
    done=True,
    audiences=(
        AudienceChoice(id=HIGH_VALUE, name="High value users", slug="high_value_users", size=1_234),
        AudienceChoice(id=READERS, name="Newsletter readers", slug="newsletter_readers", size=10),
    ),
    lytics_fields=tuple(
        FieldChoice(name=name, type=type_)
        for name, type_ in {
            "birthday": "date",
            "city": "string",
            "email": "string",
            "first_name": "string",
            "visits": "int",
        }.items()
    ),
    lists=(ListChoice(id="l1", name="News"),),
    sendgrid_fields=(FieldChoice(name="visits", type="Number"),),
)
