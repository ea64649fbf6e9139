"""SendGrid's reserved contact fields and its limits on fields.

Source: OpenAPI mc_contacts, 2026-01-22, and the custom-fields page.
"""

from collections.abc import Mapping
from typing import Final

WRITABLE_RESERVED: Final[Mapping[str, int]] = {
    "first_name": 50,
    "last_name": 50,
    "address_line_1": 100,
    "address_line_2": 100,
    "city": 60,
    "state_province_region": 50,
    "postal_code": 60,
    "country": 50,
    "phone_number": 24,
    "whatsapp": 254,
    "line": 254,
    "facebook": 254,
    "unique_name": 254,
}
"""Reserved fields that a row may set besides the e-mail, and the maximum length of each."""
READ_ONLY_RESERVED: Final = frozenset(
    (
        "email_domains",
        "last_clicked",
        "last_opened",
        "last_emailed",
        "singlesend_id",
        "automation_id",
        "created_at",
        "updated_at",
        "contact_id",
        "lists",
    )
)
IDENTIFIERS: Final = frozenset(
    ("email", "phone_number_id", "external_id", "anonymous_id", "alternate_emails")
)
"""SendGrid finds a contact by these. Once one is sent, every later update must send it, too."""

TEXT_CHARS: Final = 1_000
"""The maximum length of a custom text field."""
