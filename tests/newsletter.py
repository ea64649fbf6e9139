"""The configuration of the export that the events in `events/` belong to."""

from typing import Final

from lytics_sendgrid.domain.configuration import Audience, Export, FieldKind, MappedField

HIGH_VALUE: Final = "5f1c0e6b9a7d4e2f8b3c1d0a9e8f7a61"
READERS: Final = "8a2d4c6e0b1f43579d8e7c6b5a493827"
LAPSED: Final = "c3e1a9f7b5d84f20a6c4e2b0d8f61a35"
UNMANAGED: Final = "9b7e5d3c1a0f4e6882c4b6a8d0f2e413"

EXAMPLE_PERSON: Final = "ada.lukasik.1@example.com"
"""The person of the docs' examples. The demo's people include this one; tests/e2e/test_demo.py holds that."""

NEWSLETTER: Final = Export(
    name="newsletter",
    authorization="default",
    account="default",
    version=3,
    email_field="email",
    fields=(
        MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
        MappedField("last_name", "last_name", "last_name", FieldKind.TEXT, 50),
        MappedField("city", "e1_T", "city", FieldKind.TEXT, 1000),
        MappedField("lifetime_value", "e2_N", "lifetime_value", FieldKind.NUMBER, 1000),
        MappedField("last_purchase", "e3_D", "last_purchase", FieldKind.DATE, 1000),
    ),
    audiences=(
        Audience(HIGH_VALUE, "High value users", "high_value_users"),
        Audience(READERS, "Newsletter readers", "newsletter_readers"),
        Audience(LAPSED, "Lapsed customers", "lapsed_customers"),
    ),
)
