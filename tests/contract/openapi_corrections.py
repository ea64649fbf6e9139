"""Corrections of SendGrid's OpenAPI files where they are wrong or incomplete, each with its reason.

The files are from github.com/twilio/sendgrid-oai (1.0.0-rc.12, 2026-01-22). "Recorded" refers to the real
answers of 2026-07-15 in github.com/NangoHQ/integration-templates (integrations/sendgrid/tests).
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_CONTACTS = "tsg_mc_contacts_v3.json"
_SEGMENTS = "tsg_mc_segments_2.0_v3.json"
_BODY = "content/application~1json/schema"


@dataclass(frozen=True, slots=True)
class Correction:
    """A replacement of a part of a file.

    Attributes:
        file: The file's name.
        pointer: The part, as a JSON pointer without its first slash.
        value: The replacement.
        reason: The reason.
    """

    file: str
    pointer: str
    value: Any
    reason: str


CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        _SEGMENTS,
        f"paths/~1v3~1marketing~1segments~12.0/get/responses/200/{_BODY}",
        {
            "type": "object",
            "required": ["results"],
            "properties": {
                "results": {"type": "array", "items": {"$ref": "#/components/schemas/AllSegments200"}}
            },
        },
        "the list is wrapped in `results` (recorded, and the file's text says so), not a bare segment",
    ),
    *(
        Correction(
            _SEGMENTS,
            f"components/schemas/{schema}/properties/{name}/type",
            ["null", kind],
            f"`{name}` is null if it is unknown or does not exist (recorded)",
        )
        for schema in ("AllSegments200", "Segment2xx")
        for name, kind in (
            ("sample_updated_at", "string"),
            ("next_sample_update", "string"),
            ("parent_list_ids", "array"),
        )
    ),
    Correction(
        _SEGMENTS,
        "components/schemas/ContactResponse",
        {"type": "object", "required": ["id"]},
        "the file says that texts of sample contacts are never empty and postal codes are integers; unset "
        'texts are "" (recorded)',
    ),
    Correction(
        _CONTACTS,
        f"paths/~1v3~1marketing~1contacts/delete/responses/202/{_BODY}/properties/job_id/type",
        "string",
        "a job id is a string, as in every other answer; the file says object",
    ),
    Correction(
        _CONTACTS,
        "components/schemas/ContactDetails3/properties/alternate_emails/type",
        ["null", "array"],
        "null if there is none (recorded)",
    ),
    *(
        Correction(
            _CONTACTS,
            f"components/schemas/ContactRequest/properties/{name}",
            {"type": "string", "maxLength": limit},
            f"`{name}` is writable (documentation, custom fields page); the file omits it",
        )
        for name, limit in (
            ("phone_number", 24),
            ("whatsapp", 254),
            ("line", 254),
            ("facebook", 254),
            ("unique_name", 254),
        )
    ),
    Correction(
        _CONTACTS,
        "components/schemas/ContactRequest/properties/custom_fields",
        {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        'the file only contains the example "w1"; SendGrid refuses null (sendgrid/docs #6323)',
    ),
)

_ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["message"],
                "properties": {"message": {"type": "string"}, "field": {"type": ["string", "null"]}},
            },
        }
    },
}

UNDOCUMENTED_ANSWERS: tuple[tuple[str, int, str], ...] = (
    ("*", 429, "the rate limits page documents it for every endpoint, with its body"),
    ("*", 401, "authentication is the same for every endpoint; some files omit it"),
    ("*", 403, "authentication is the same for every endpoint; some files omit it"),
    ("*", 500, "the overview documents it for every endpoint; some files omit it"),
    ("*", 502, "any gateway can return it"),
    ("*", 503, "any gateway can return it"),
    ("PUT /v3/marketing/contacts", 413, "the status for a body of over 6 MB is undocumented"),
    ("* /v3/marketing/segments/2.0/{segment_id}", 404, "unknown id; the file only lists it for DELETE"),
    ("GET /v3/marketing/lists", 400, "page size out of bounds"),
    ("POST /v3/marketing/contacts/batch", 400, "more than 100 ids"),
    ("POST /v3/marketing/segments/2.0/refresh/{segment_id}", 400, "body without the time zone"),
)
"""Answers that the files do not list: endpoint (a shell pattern), status, reason."""


def undocumented_schema(endpoint: str, status: int) -> dict[str, Any] | None:
    """Return the schema of a known answer that the files do not list; `None` for any other answer."""
    for pattern, known, _ in UNDOCUMENTED_ANSWERS:
        if known == status and (fnmatchcase(endpoint, pattern) or pattern == endpoint):
            return _ERRORS
    return None
