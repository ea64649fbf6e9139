"""Modules that decide do no I/O: read from the imports of the shared package, not from its good intentions."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "layers" / "lytics_sendgrid" / "lytics_sendgrid"
FUNCTIONS = Path(__file__).parents[2] / "functions"
MODULES = {path.stem for path in PACKAGE.glob("*.py")}

IMPURE = {
    *("aws_lambda_powertools", "boto3", "botocore", "concurrent", "http", "os", "random", "requests"),
    *("secrets", "socket", "subprocess", "threading", "time", "urllib3", "uuid"),
}

ADAPTERS = {
    *(
        "aws",
        "aws_json",
        "aws_timeouts",
        "exports_table",
        "file_download",
        "kept_connection",
        "kept_exports",
        "ledger",
        "lytics",
        "queue_writer",
    ),
    *("redrive", "rejected", "secret", "sendgrid", "sendgrid_contacts", "stack_outputs"),
    *("vendor_connection", "vendor_http"),
}
"""They do I/O and decide nothing. Whatever is not named here or below is pure, and everything that it imports is."""

BESIDE_ADAPTERS = {"activation", "backfill", "counting", "delivery_log", "intake", "plan_run", "survey"}
"""They do no I/O themselves, and name a default or a type of an adapter."""


@cache
def imports(path: Path) -> frozenset[str]:
    """Return what a module imports when it runs, wherever in it; not what only the type checker sees."""
    return frozenset(_imported(ast.parse(path.read_text())))


def _imported(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.module or ""
        yield from _imported(child)


def path_to_impurity(module: str) -> list[str]:
    """Return the chain of imports from a module of the package to something impure; empty where there is none."""
    waiting, seen = [[module]], {module}
    while waiting:
        chain = waiting.pop(0)
        for name in sorted(imports(PACKAGE / f"{chain[-1]}.py")):
            top, _, following = name.partition(".")
            if top in IMPURE:
                return [*chain, name]
            if top == "lytics_sendgrid" and following not in seen:
                seen.add(following)
                waiting.append([*chain, following])
    return []


@pytest.mark.parametrize("module", sorted(MODULES - ADAPTERS - BESIDE_ADAPTERS))
def test_module_that_decides_reaches_nothing_impure(module: str) -> None:
    assert path_to_impurity(module) == []


@pytest.mark.parametrize("module", sorted(ADAPTERS))
def test_adapter_is_one(module: str) -> None:
    assert path_to_impurity(module)


@pytest.mark.parametrize("module", sorted(BESIDE_ADAPTERS - {"backfill"}))
def test_module_beside_adapters_does_no_io_itself(module: str) -> None:
    assert not {name.partition(".")[0] for name in imports(PACKAGE / f"{module}.py")} & IMPURE


@pytest.mark.parametrize("module", sorted(MODULES))
def test_shared_package_never_imports_functions(module: str) -> None:
    assert not {
        name for name in imports(PACKAGE / f"{module}.py") if name.partition(".")[0] in {"functions", "tests"}
    }


def test_package_files_stay_empty() -> None:
    files = [PACKAGE / "__init__.py", *FUNCTIONS.rglob("__init__.py")]
    assert len(files) > 5
    assert [path.name for path in files if path.read_text()] == []


def test_impurity_is_found_through_other_modules() -> None:
    assert path_to_impurity("queue_writer")[0] == "queue_writer"
    assert path_to_impurity("queue_writer")[-1].startswith("botocore")
