"""The DynamoDB actions that a function's code can call, read from its source.

The local cloud grants everything, so a permission that is missing would show first on AWS.
"""

import ast
from functools import cache
from typing import Final

from tests.modules import PATHS

ADAPTERS: Final = {
    "ContactsTable": (
        ("lytics_sendgrid.tables.contacts", "ContactsTable"),
        ("lytics_sendgrid.tables.ledger_walk", "LedgerWalk"),
    ),
    "ContactsTable/index/rejected": (("lytics_sendgrid.tables.rejected", "RejectedIndex"),),
    "ConsoleTable": (("lytics_sendgrid.tables.console", "ConsoleTable"),),
    "ExportsTable": (
        ("lytics_sendgrid.tables.days", "DaysTable"),
        ("lytics_sendgrid.tables.erasures", "ErasuresTable"),
        ("lytics_sendgrid.tables.exports", "ExportsTable"),
        ("lytics_sendgrid.tables.heard", "HeardTable"),
        ("lytics_sendgrid.tables.run_history", "RunHistory"),
        ("lytics_sendgrid.tables.seen", "SeenTable"),
        ("lytics_sendgrid.tables.summaries", "SummariesTable"),
        ("lytics_sendgrid.tables.walks", "WalksTable"),
    ),
}
"""For each table of the template, the modules and the only classes that call DynamoDB for it."""

ACTIONS: Final = {
    "get_item": {"dynamodb:GetItem"},
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "query": {"dynamodb:Query"},
    "items_of": {"dynamodb:Query"},
    "scan": {"dynamodb:Scan"},
    "put_item": {"dynamodb:PutItem"},
    "update_item": {"dynamodb:UpdateItem"},
    "put_part": {"dynamodb:UpdateItem"},
    "delete_item": {"dynamodb:DeleteItem"},
    # A transaction needs the permissions of what is in it. This project's have only Puts.
    "transact_write_items": {"dynamodb:PutItem"},
    "batch_execute_statement": {
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
    },
}
"""The IAM actions of each method of boto3's client, and of our own function that calls one."""


def actions_of(verb: str, table: str) -> set[str]:
    """Return the IAM actions on a table of the template that a function's code can need.

    These are the calls in every module that the function imports, directly or not, to methods of the table's
    class.
    """
    modules = _modules(f"functions.{verb}.app")
    actions = set()
    for module, class_name in ADAPTERS.get(table, ()):
        if module in modules:
            methods = _methods(module, class_name)
            called = {name for other in modules - {module} for name in _called(other)}
            actions |= {action for method in called & methods.keys() for action in methods[method]}
    return actions


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(PATHS[module].read_text())


@cache
def _called(module: str) -> set[str]:
    functions = (node.func for node in ast.walk(_tree(module)) if isinstance(node, ast.Call))
    return {function.attr for function in functions if isinstance(function, ast.Attribute)}


def _named(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    functions = (node.func for node in nodes if isinstance(node, ast.Call))
    return attributes | {function.id for function in functions if isinstance(function, ast.Name)}


@cache
def _modules(app: str) -> set[str]:
    found = {app}
    waiting = [app]
    while waiting:
        for module in _imported(waiting.pop()):
            if module not in found:
                found.add(module)
                waiting.append(module)
    return found


@cache
def _imported(module: str) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found |= {name for name in names if name in PATHS}
    return frozenset(found)


@cache
def _methods(module: str, class_name: str) -> dict[str, set[str]]:
    """Return the actions of each public method of an adapter, with those of the private ones it calls."""
    (adapter,) = (
        node for node in _tree(module).body if isinstance(node, ast.ClassDef) and node.name == class_name
    )
    # A mention counts as a call: a thread pool gets the method as an argument.
    calls = {node.name: _named(node) for node in adapter.body if isinstance(node, ast.FunctionDef)}

    def actions(method: str, above: frozenset[str] = frozenset()) -> set[str]:
        found = {action for name in calls[method] for action in ACTIONS.get(name, ())}
        for inner in (calls[method] & calls.keys()) - above - {method}:
            found |= actions(inner, above | {method})
        return found

    return {method: actions(method) for method in calls if not method.startswith("_")}


CLIENTS: Final = {
    "describe_alarms": "cloudwatch:DescribeAlarms",
    "describe_execution": "states:DescribeExecution",
    "get_execution_history": "states:GetExecutionHistory",
    "get_metric_data": "cloudwatch:GetMetricData",
    "get_queue_attributes": "sqs:GetQueueAttributes",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "invoke": "lambda:InvokeFunction",
    "start_execution": "states:StartExecution",
    "stop_execution": "states:StopExecution",
}
"""The IAM action of each method of boto3's clients other than DynamoDB's that the console's adapters call."""


def client_actions_of(*places: str) -> set[str]:
    """Return the IAM actions of what modules, or all below a folder, call of boto3's clients but DynamoDB's.

    Only calls to an attribute that is named as a client count: ``self._client.invoke(…)``.
    """
    found = set()
    for module in (name for name in PATHS if f"{name}.".startswith(tuple(f"{place}." for place in places))):
        for node in ast.walk(_tree(module)):
            match node:
                case ast.Call(func=ast.Attribute(attr=method, value=ast.Attribute(attr=client))):
                    if client.startswith("_") and method in CLIENTS:
                        found.add(CLIENTS[method])
    return found
