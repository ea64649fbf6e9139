"""Read SendGrid's OpenAPI files, apply the corrections, and close the request schemas."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.openapi_corrections import CORRECTIONS

_FILES = (
    "tsg_mc_contacts_v3.json",
    "tsg_mc_custom_fields_v3.json",
    "tsg_mc_lists_v3.json",
    "tsg_mc_segments_2.0_v3.json",
    "tsg_scopes_v3.json",
)
_OPTIONAL = ("tsg_mc_singlesends_v3.json",)
"""Files that a folder may lack. Their operations are then not checked."""
_METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        endpoint: `METHOD /path/{template}`.
        uri: The URI of its document, for references.
        described: The object that describes the operation.
        parameters: The parameters of the operation and of its path.
        pattern: Matches the operation's paths.
    """

    endpoint: str
    uri: str
    described: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    pattern: re.Pattern[str]


class OpenApiFiles:
    """The files of one folder.

    Attributes:
        documents: The documents by URI.
        operations: The operations, fewest path parameters first: `/contacts/count` before `/contacts/{id}`.
    """

    def __init__(self, folder: Path) -> None:
        names = (*_FILES, *(name for name in _OPTIONAL if (folder / name).exists()))
        by_name = {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in names}
        for correction in CORRECTIONS:
            _replace(by_name[correction.file], correction.pointer, correction.value)
        for document in by_name.values():
            _allow_nullable(document)
        self.documents: dict[str, Any] = {_uri(name): document for name, document in by_name.items()}
        self.operations = sorted(
            (operation for name, document in by_name.items() for operation in _operations(name, document)),
            key=lambda operation: operation.endpoint.count("{"),
        )
        for operation in self.operations:
            described = self.resolved(operation.uri, operation.described.get("requestBody"))
            if described is not None:
                self._close(operation.uri, described["content"]["application/json"]["schema"])

    def resolved(self, uri: str, node: Any) -> Any:
        """Follow a reference inside a document; return anything else unchanged."""
        while (
            isinstance(node, dict) and isinstance(reference := node.get("$ref"), str) and "type" not in node
        ):
            node = _at(self.documents[uri], reference.removeprefix("#/"))
        return node

    def _close(self, uri: str, schema: Any) -> None:
        """Forbid names that a schema does not list, at any depth."""
        schema = self.resolved(uri, schema)
        if not isinstance(schema, dict):
            return
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
            for subschema in schema["properties"].values():
                self._close(uri, subschema)
        self._close(uri, schema.get("items"))


def _uri(file: str) -> str:
    return f"urn:sendgrid:{file}"


def _operations(file: str, document: Mapping[str, Any]) -> Iterator[Operation]:
    for template, path in document["paths"].items():
        pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))
        for method in _METHODS:
            if (described := path.get(method)) is not None:
                parameters = (*path.get("parameters", ()), *described.get("parameters", ()))
                yield Operation(f"{method.upper()} {template}", _uri(file), described, parameters, pattern)


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def _replace(document: Any, pointer: str, value: Any) -> None:
    parent, _, name = pointer.rpartition("/")
    _at(document, parent)[name.replace("~1", "/").replace("~0", "~")] = value


def _allow_nullable(node: Any) -> None:
    """Convert `nullable`, which the files use although OpenAPI 3.1 has removed it."""
    if isinstance(node, dict):
        if node.get("nullable") is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _allow_nullable(child)
