"""Check requests and answers against SendGrid's OpenAPI 3.1 files.

The files are not part of the project: the environment variable SENDGRID_OPENAPI names their folder
(`spec/json` of a checkout of github.com/twilio/sendgrid-oai). Requests are checked more strictly than the
files require: an unknown name is a problem.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.contract.openapi_corrections import undocumented_schema
from tests.contract.openapi_files import OpenApiFiles, Operation
from tests.local.sendgrid_twin.exchange import Exchange

VARIABLE = "SENDGRID_OPENAPI"
_MAX_ROWS = 30_000
_SINGLE_SENDS = "/v3/marketing/singlesends"


class OpenApi:
    """The files with our corrections.

    Args:
        folder: The folder of the files.
        sample_rows: The number of elements, evenly spread, that are checked of a longer list: a schema check
            takes about 50 microseconds a row, and an upsert may have 30,000.
    """

    def __init__(self, folder: Path, *, sample_rows: int = 200) -> None:
        self._sample_rows = sample_rows
        self._files = OpenApiFiles(folder)
        self._registry: Registry[Any] = Registry().with_resources(
            (uri, Resource.from_contents(document, default_specification=DRAFT202012))
            for uri, document in self._files.documents.items()
        )

    @classmethod
    def from_environment(cls) -> Self | None:
        """Load the files of SENDGRID_OPENAPI; `None` if it is not set."""
        folder = os.environ.get(VARIABLE)
        return cls(Path(folder)) if folder else None

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation of a request; `None` if the files do not contain it."""
        for operation in self._files.operations:
            if operation.endpoint.startswith(f"{method} ") and operation.pattern.fullmatch(path):
                return operation
        return None

    def request_problems(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> list[str]:
        """Return the problems of a request.

        Args:
            method: The method in capitals.
            path: The path without the query.
            query: The decoded parameters by name.
            body: The parsed body; `None` if there is none.

        Returns:
            One line for each problem.
        """
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: not an operation of the API"]
        problems = list(self._parameter_problems(operation, path, query or {}))
        described = self._files.resolved(operation.uri, operation.described.get("requestBody"))
        if described is None:
            if body is not None:
                problems.append("the operation takes no body")
        else:
            schema = described["content"]["application/json"]["schema"]
            if body is not None or self._files.resolved(operation.uri, schema).get("required"):
                problems += self._problems(operation.uri, schema, body)
        return [f"{operation.endpoint}: {problem}" for problem in problems]

    def answer_problems(self, method: str, path: str, status: int, body: Any = None) -> list[str]:
        """Return the problems of an answer.

        Returns:
            One line for each problem.
        """
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: not an operation of the API"]
        described = operation.described["responses"].get(str(status))
        if described is None:
            known = undocumented_schema(operation.endpoint, status)
            if known is None:
                return [f"{operation.endpoint}: {status} is not among its answers"]
            problems = self._problems(operation.uri, known, body)
        else:
            described = self._files.resolved(operation.uri, described)
            content = described.get("content", {}).get("application/json", {})
            if "schema" not in content or status == 204:
                return []
            problems = self._problems(operation.uri, content["schema"], body)
        return [f"{operation.endpoint} {status}: {problem}" for problem in problems]

    def problems(self, exchange: Exchange) -> list[str]:
        """Return the problems of a request to the twin and of its answer, if any."""
        try:
            request_body = json.loads(exchange.request_body) if exchange.request_body else None
        except ValueError:
            return [f"{exchange.endpoint}: the request's body is not JSON"]
        method, path, query = exchange.method, exchange.path, exchange.query
        if path.startswith(_SINGLE_SENDS) and self.operation("GET", _SINGLE_SENDS) is None:
            return []
        problems = self.request_problems(method, path, query, request_body)
        if exchange.status is not None:
            answer_body = json.loads(exchange.answer_body) if exchange.answer_body else None
            problems += self.answer_problems(method, path, exchange.status, answer_body)
        return problems

    def _parameter_problems(self, operation: Operation, path: str, query: Mapping[str, str]) -> Iterator[str]:
        declared = [self._files.resolved(operation.uri, parameter) for parameter in operation.parameters]
        for parameter in (parameter for parameter in declared if parameter["in"] == "query"):
            name, schema = parameter["name"], parameter.get("schema", {})
            if name in query:
                yield from self._problems(operation.uri, schema, _typed(query[name], schema))
            elif parameter.get("required"):
                yield f"the query lacks {name}"
        names = {parameter["name"] for parameter in declared if parameter["in"] == "query"}
        yield from (f"the query's {name} is unknown" for name in query if name not in names)
        values = operation.pattern.fullmatch(path)
        given = values.groupdict() if values is not None else {}
        for parameter in (parameter for parameter in declared if parameter["in"] == "path"):
            yield from self._problems(operation.uri, parameter["schema"], unquote(given[parameter["name"]]))

    def _problems(self, uri: str, schema: Any, value: Any) -> list[str]:
        validator = Draft202012Validator(
            {"$id": f"{uri}:check", "allOf": [_absolute(schema, uri)]},
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [
            f"{error.json_path}: {_in_short(error)}" for error in validator.iter_errors(self._thinned(value))
        ]

    def _thinned(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            name: part[:: -(-len(part) // self._sample_rows)]
            if isinstance(part, list) and self._sample_rows < len(part) <= _MAX_ROWS
            else part
            for name, part in value.items()
        }


class Watch:
    """A recorder for the twin that checks every exchange at once, whatever the twin keeps.

    Attributes:
        exchanges: The number of checked exchanges.
        problems: The problems in order, one line each.
    """

    def __init__(self, openapi: OpenApi) -> None:
        self._openapi = openapi
        self.exchanges = 0
        self.problems: list[str] = []

    def __call__(self, exchange: Exchange) -> None:
        """Check one exchange."""
        self.exchanges += 1
        self.problems += self._openapi.problems(exchange)


def _in_short(error: ValidationError) -> str:
    if len(error.message) <= 200:
        return error.message
    return f"does not hold {error.validator} {str(error.validator_value)[:100]}"


def _absolute(node: Any, uri: str) -> Any:
    if isinstance(node, dict):
        return {
            name: f"{uri}{child}" if name == "$ref" and isinstance(child, str) else _absolute(child, uri)
            for name, child in node.items()
        }
    return [_absolute(child, uri) for child in node] if isinstance(node, list) else node


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    """Convert a query's value to the type of its schema; return it unchanged if that fails."""
    match schema.get("type"):
        case "number" | "integer":
            return int(value) if value.lstrip("-").isdigit() else value
        case "boolean":
            return {"true": True, "false": False}.get(value, value)
        case "array":
            return value.split(",")
    return value
