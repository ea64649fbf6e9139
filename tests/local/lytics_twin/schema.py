"""The fields of the `user` table: those of generated people, and one of each other type."""

from typing import Any

Json = dict[str, Any]

DEFAULT_FIELDS: dict[str, tuple[str, str]] = {
    "_id": ("string", "Lytics ID"),
    "email": ("string", "Email Address"),
    "first_name": ("string", "First Name"),
    "last_name": ("string", "Last Name"),
    "city": ("string", "City"),
    "lifetime_value": ("number", "Lifetime Value"),
    "visit_count": ("int", "Number of Visits"),
    "birthday": ("date", "Birthday"),
    "last_purchase": ("date", "Last Purchase"),
    "is_mobile": ("bool", "Is Mobile"),
    "interests": ("[]string", "Interests"),
    "hourly": ("map[string]int", "Visits by Hour"),
    "segment_events": ("dynamic", "Audience Events"),
}
IDENTIFIERS = ("email", "_id")


class Schema:
    """The schema of one account, in the formats of both APIs."""

    def __init__(self) -> None:
        self.fields = dict(DEFAULT_FIELDS)
        self.identifiers = list(IDENTIFIERS)

    def add(self, name: str, kind: str, shortdesc: str = "", *, is_identifier: bool = False) -> None:
        self.fields[name] = (kind, shortdesc or name)
        if is_identifier:
            self.identifiers.append(name)

    def v2_fields(self, which: str) -> list[Json]:
        """Return Field objects; `which` is scalar, nonscalar or all."""
        return [
            {
                "id": name,
                "type": kind,
                "shortdesc": shortdesc,
                "longdesc": "",
                "mergeop": "latest",
                "is_identifier": name in self.identifiers,
                "is_pii": name in {"email", "first_name", "last_name", "birthday"},
                "managed_by": "",
                "tags": [],
                "assertions": {"email": name == "email"},
            }
            for name, (kind, shortdesc) in self.fields.items()
            if which == "all" or (which == "scalar") == is_scalar(kind)
        ]

    def v1_table(self) -> Json:
        columns = [
            {
                "as": name,
                "is_by": name in self.identifiers,
                "type": kind,
                "op": "default",
                "shortdesc": shortdesc,
                "longdesc": "",
                "froms": ["default"],
                "identities": [name],
            }
            for name, (kind, shortdesc) in self.fields.items()
        ]
        return {"name": "user", "by_fields": list(self.identifiers), "columns": columns}


def is_scalar(kind: str) -> bool:
    """Return whether a type holds a single value."""
    return kind in {"string", "bool", "int", "number", "float", "date", "time", "datetime"}
