"""The rules of the house, read from the imports and not from good intentions.

Modules that decide do no I/O. A function imports no other function. The layer imports no function, holds only what two
need, and its rooms import downwards.
"""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.modules import PATHS, ROOT

IMPURE = {
    *("aws_lambda_powertools", "boto3", "botocore", "concurrent", "http", "os", "random", "requests"),
    *("secrets", "socket", "subprocess", "threading", "time", "urllib3", "uuid"),
}

HANDLERS = {name for name in PATHS if name.endswith(".app")}
"""They put everything together, and so reach everything."""

ADAPTERS = {
    *(name for name in PATHS if name.startswith(("lytics_sendgrid.aws.", "lytics_sendgrid.tables."))),
    *(name for name in PATHS if name.startswith("lytics_sendgrid.transport.")),
    *("lytics_sendgrid.lytics.api", "lytics_sendgrid.sendgrid.api", "lytics_sendgrid.sendgrid.contacts"),
    *("lytics_sendgrid.queues.writer", "lytics_sendgrid.system_clock"),
    *("functions.operate.redrive", "functions.operate.rejected", "functions.operate.stack"),
}
"""They do I/O and decide nothing. Whatever is not named here or below is pure, and everything that it imports is."""

BESIDE_ADAPTERS = {
    *("functions.activate.activation", "functions.backfill.scan", "functions.ingest.intake"),
    *(
        "functions.ingest.log_line",
        "functions.plan.run",
        "functions.plan.survey",
        "functions.report.counting",
    ),
}
"""They do no I/O themselves, and name a default or a type of an adapter."""

FLOORS = (
    {"sendgrid", "lytics", "queues", "tables"},
    {"transport", "aws", "settings", "workflow"},
    {"domain", "errors", "lenient_json", "system_clock"},
)
"""Of the layer, from above: a room imports itself, and rooms on lower floors."""
BESIDE = {("lytics_sendgrid.domain.change", "")}

BETWEEN_FUNCTIONS = {("functions.operate.dead_letters", "functions.ingest.body")}
"""An operator's command reads a rejected element again, as ingest would."""


@cache
def imports(module: str) -> frozenset[str]:
    """Return what a module imports when it runs, wherever in it; not what only the type checker sees."""
    return frozenset(_imported(ast.parse(PATHS[module].read_text())))


def _imported(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.module or ""
        yield from _imported(child)


def ours(module: str) -> set[str]:
    """Return which modules of the product a module imports."""
    return {name for name in imports(module) if name in PATHS}


@cache
def reached(module: str) -> frozenset[str]:
    """Return the modules of the product that a module imports, directly or not."""
    found, waiting = {module}, [module]
    while waiting:
        new = ours(waiting.pop()) - found
        found |= new
        waiting += new
    return frozenset(found)


def room(module: str) -> str:
    """Return the room of a module: a function's name, or a room of the layer."""
    return module.split(".")[1]


def path_to_impurity(module: str) -> list[str]:
    """Return the chain of imports from a module to something impure; empty where there is none."""
    waiting, seen = [[module]], {module}
    while waiting:
        chain = waiting.pop(0)
        for name in sorted(imports(chain[-1])):
            if name.partition(".")[0] in IMPURE:
                return [*chain, name]
            if name in PATHS and name not in seen:
                seen.add(name)
                waiting.append([*chain, name])
    return []


def in_layer() -> list[str]:
    """Return the modules of the layer."""
    return sorted(name for name in PATHS if name.startswith("lytics_sendgrid."))


def in_functions() -> list[str]:
    """Return the modules of the functions."""
    return sorted(name for name in PATHS if name.startswith("functions."))


@pytest.mark.parametrize("module", sorted(PATHS.keys() - HANDLERS - ADAPTERS - BESIDE_ADAPTERS))
def test_module_that_decides_reaches_nothing_impure(module: str) -> None:
    assert path_to_impurity(module) == []


@pytest.mark.parametrize("module", sorted(ADAPTERS | HANDLERS))
def test_adapter_is_one(module: str) -> None:
    assert path_to_impurity(module)


@pytest.mark.parametrize("module", sorted(BESIDE_ADAPTERS - {"functions.backfill.scan"}))
def test_module_beside_adapters_does_no_io_itself(module: str) -> None:
    assert not {name.partition(".")[0] for name in imports(module)} & IMPURE


@pytest.mark.parametrize("module", in_layer())
def test_layer_never_imports_functions(module: str) -> None:
    assert not {name for name in imports(module) if name.partition(".")[0] in {"functions", "tests"}}


@pytest.mark.parametrize("module", in_layer())
def test_layer_holds_what_two_functions_need(module: str) -> None:
    users = {room(name) for name in in_functions() if module in reached(name)}
    assert len(users) >= 2, users


@pytest.mark.parametrize("module", in_layer())
def test_rooms_of_the_layer_import_downwards(module: str) -> None:
    floor = next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)
    below = {room(module)}.union(*FLOORS[floor + 1 :])
    assert {room(name) for name in ours(module)} <= below


def test_no_function_imports_another() -> None:
    crossing = {
        (module, name)
        for module in in_functions()
        for name in ours(module)
        if name.startswith("functions.") and room(name) != room(module)
    }
    assert crossing == BETWEEN_FUNCTIONS


def test_package_files_stay_empty() -> None:
    files = [
        *(ROOT / "functions").rglob("__init__.py"),
        *(ROOT / "layers" / "lytics_sendgrid").rglob("__init__.py"),
    ]
    assert len(files) > 5
    assert [path.name for path in files if path.read_text()] == []


def test_impurity_is_found_through_other_modules() -> None:
    chain = path_to_impurity("lytics_sendgrid.queues.writer")
    assert chain[0] == "lytics_sendgrid.queues.writer"
    assert chain[-1].startswith("botocore")
