"""Which DynamoDB actions a function's code can call, read from its source.

The local cloud grants everything, so a permission that is missing would show first on AWS.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.template.sources import REPOSITORY

PACKAGE: Final = REPOSITORY / "layers" / "lytics_sendgrid" / "lytics_sendgrid"
ADAPTERS: Final = {"ContactsTable": ("ledger", "Ledger"), "ExportsTable": ("exports_table", "ExportsTable")}
"""For each table of the template the module and class that alone call DynamoDB for it."""

ACTIONS: Final = {
    "get_item": {"dynamodb:GetItem"},
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "query": {"dynamodb:Query"},
    "put_item": {"dynamodb:PutItem"},
    "update_item": {"dynamodb:UpdateItem"},
    "delete_item": {"dynamodb:DeleteItem"},
    # The statements of this project insert and update.
    "batch_execute_statement": {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"},
}
"""The IAM actions of each method of boto3's client."""


def actions_of(verb: str, table: str) -> set[str]:
    """Return the IAM actions on a table of the template that a function's code can need.

    These are the calls in every module that the function imports, directly or not, to methods of the table's class.
    """
    module, class_name = ADAPTERS[table]
    modules = _modules(REPOSITORY / "functions" / verb / "app.py")
    if PACKAGE / f"{module}.py" not in modules:
        return set()
    methods = _methods(module, class_name)
    called = {name for path in modules if path.stem != module for name in _called(_tree(path))}
    return {action for method in called & methods.keys() for action in methods[method]}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _called(tree: ast.AST) -> set[str]:
    functions = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {function.attr for function in functions if isinstance(function, ast.Attribute)}


def _named(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _modules(app: Path) -> set[Path]:
    found = {app}
    waiting = [app]
    while waiting:
        for path in _imported(_tree(waiting.pop())):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return found


def _imported(tree: ast.Module) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            package, _, module = node.module.partition(".")
            names = [module] if module else [alias.name for alias in node.names]
            if package == "lytics_sendgrid":
                yield from (PACKAGE / f"{name}.py" for name in names)


@cache
def _methods(module: str, class_name: str) -> dict[str, set[str]]:
    """Return the actions of each public method of an adapter, those of its private ones included."""
    (adapter,) = (
        node
        for node in _tree(PACKAGE / f"{module}.py").body
        if isinstance(node, ast.ClassDef) and node.name == class_name
    )
    # Named is enough here: a thread pool is given a method to call.
    calls = {node.name: _named(node) for node in adapter.body if isinstance(node, ast.FunctionDef)}

    def actions(method: str, above: frozenset[str] = frozenset()) -> set[str]:
        found = {action for name in calls[method] for action in ACTIONS.get(name, ())}
        for inner in (calls[method] & calls.keys()) - above - {method}:
            found |= actions(inner, above | {method})
        return found

    return {method: actions(method) for method in calls if not method.startswith("_")}
