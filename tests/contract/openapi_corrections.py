"""Where SendGrid's OpenAPI files are known to be wrong or silent, each with the reason.

The files are those of github.com/twilio/sendgrid-oai (1.0.0-rc.12, 2026-01-22). "Recorded" means the real answers of
2026-07-15 in github.com/NangoHQ/integration-templates (integrations/sendgrid/tests).
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_CONTACTS = "tsg_mc_contacts_v3.json"
_SEGMENTS = "tsg_mc_segments_2.0_v3.json"
_BODY = "content/application~1json/schema"


@dataclass(frozen=True, slots=True)
class Correction:
    """A part of a file that is replaced.

    Attributes:
        file: The file's name.
        pointer: The place, as a JSON pointer without its first slash.
        value: What stands there instead.
        reason: Why.
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
        "the list is wrapped in `results` (recorded; the file's own text says so too), not a bare segment",
    ),
    *(
        Correction(
            _SEGMENTS,
            f"components/schemas/{schema}/properties/{name}/type",
            ["null", kind],
            f"`{name}` is null until it is known or where there is none (recorded)",
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
        "the sample's contacts are described as never empty, with postal codes that are integers; real contacts have "
        '"" for what is not set (recorded)',
    ),
    Correction(
        _CONTACTS,
        f"paths/~1v3~1marketing~1contacts/delete/responses/202/{_BODY}/properties/job_id/type",
        "string",
        "a job id is text, as in every other answer; the file says object",
    ),
    Correction(
        _CONTACTS,
        "components/schemas/ContactDetails3/properties/alternate_emails/type",
        ["null", "array"],
        "null where there is none (recorded)",
    ),
    *(
        Correction(
            _CONTACTS,
            f"components/schemas/ContactRequest/properties/{name}",
            {"type": "string", "maxLength": limit},
            f"`{name}` can be written (custom fields page of the documentation), the file leaves it out",
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
        'the file names only the example "w1"; null is refused (sendgrid/docs #6323)',
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
    ("*", 401, "authentication is the same for every endpoint; some files leave it out"),
    ("*", 403, "authentication is the same for every endpoint; some files leave it out"),
    ("*", 500, "the overview documents it for every endpoint; some files leave it out"),
    ("*", 502, "any gateway can answer it"),
    ("*", 503, "any gateway can answer it"),
    ("PUT /v3/marketing/contacts", 413, "what a body of over 6 MB is answered is not documented"),
    ("* /v3/marketing/segments/2.0/{segment_id}", 404, "an unknown id; the file lists it for DELETE only"),
    ("GET /v3/marketing/lists", 400, "a page size out of its bounds"),
    ("POST /v3/marketing/contacts/batch", 400, "more than the 100 ids that are allowed"),
    ("POST /v3/marketing/segments/2.0/refresh/{segment_id}", 400, "a body without the time zone"),
)
"""Answers that no file lists: endpoint (a shell pattern), status, reason."""


def undocumented_schema(endpoint: str, status: int) -> dict[str, Any] | None:
    """Return the schema of an answer that no file lists but that is known of; `None` for any other."""
    for pattern, known, _ in UNDOCUMENTED_ANSWERS:
        if known == status and (fnmatchcase(endpoint, pattern) or pattern == endpoint):
            return _ERRORS
    return None
