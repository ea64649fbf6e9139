"""The rules of the house: imports, I/O, and where a test stands. Read from the sources.

A function's folder holds what only that function needs, the layer what two or more share. Rooms of the
layer import downwards. Modules that do I/O are adapters. All others decide, and import nothing of an adapter
but its data.
"""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.modules import PATHS, ROOT

IO_LIBRARIES = {
    *("aws_lambda_powertools", "boto3", "botocore", "concurrent", "http", "os", "random", "requests"),
    *("secrets", "socket", "subprocess", "threading", "time", "urllib3", "uuid"),
}

PURE_PARTS = ("aws_lambda_powertools.event_handler",)
"""Parts of these libraries that do no I/O: this one calls the function of a route."""

ADAPTER_ROOMS = {"aws", "tables", "transport"}
SINGLE_ADAPTERS = {
    "functions.backfill.threads": "threads",
    "lytics_sendgrid.system_clock": "time, sleep and random numbers of the machine",
    "lytics_sendgrid.queues.writer": "SQS; its neighbours are message formats",
    "lytics_sendgrid.sendgrid.api": "requests to SendGrid; its neighbours are its documents",
    "lytics_sendgrid.sendgrid.contacts": "upserts and import jobs, by another client than the rest",
    "lytics_sendgrid.lytics.api": "requests to Lytics; its neighbours are its documents",
    "functions.audit.sendgrid": "requests to SendGrid that only an audit makes",
    "functions.console.aws.executions": "histories of executions, and their stop",
    "functions.console.aws.functions": "Lambda, whose functions only the console invokes",
    "functions.inspect.threads": "both vendors asked at the same time, and not for ever",
    "functions.report.queue_counts": "SQS, whose messages no other function counts",
    "functions.console.signin.provider": "requests to the sign-in provider; its neighbours decide",
    "functions.console.aws.monitoring": "queue counts and alarms, which no other function reads",
    "functions.console.aws.audit": "the audit trail, in the log",
    "functions.operate.env_vars": "an operator's command, without a handler",
    "functions.operate.erase": "an operator's command, without a handler",
    "functions.operate.inspect": "an operator's command, without a handler",
    "functions.operate.redrive": "an operator's command, without a handler",
    "functions.operate.rejected": "an operator's command, without a handler",
    "functions.operate.run": "an operator's command, without a handler",
    "functions.operate.sign_out_everybody": "an operator's command, without a handler",
    "functions.operate.stack": "CloudFormation, for the operator's commands",
}
"""Adapters that share a room with modules that decide, each with what it adapts."""

FLOORS = (
    {"sendgrid", "lytics", "queues", "tables"},
    {"transport", "aws", "settings", "workflow"},
    {"domain", "errors", "lenient_json", "system_clock"},
    {"bounded_text", "counted_text"},
)
"""Of the layer, from above: a room imports itself and the rooms on lower floors."""

BETWEEN_FUNCTIONS = {("functions.operate.dead_letters", "functions.ingest.body")}
"""An operator's command reads a rejected element again, as ingest would."""

TESTS_OF_TESTS = ("test_bench", "test_count", "test_events", "test_house", "test_local", "test_mutants")
"""Beginnings of the names of files in ``tests/unit`` that test the tests' own tools, or several rooms."""

MAX_NAME_CHARS = 70


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(module: str) -> frozenset[tuple[str, str]]:
    """Return the module and name of each import at run time; the name is empty for a whole module."""
    return frozenset(imported(tree(PATHS[module])))


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name, "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (submodule_or_name(child.module or "", alias.name) for alias in child.names)
        yield from imported(child)


def submodule_or_name(module: str, name: str) -> tuple[str, str]:
    return (f"{module}.{name}", "") if f"{module}.{name}" in PATHS else (module, name)


def ours(module: str) -> set[str]:
    """Return the product's modules that a module imports."""
    return {name for name, _ in imports(module) if name in PATHS}


def io_libraries(module: str) -> set[str]:
    names = (name for name, _ in imports(module) if not name.startswith(PURE_PARTS))
    return {name.partition(".")[0] for name in names} & IO_LIBRARIES


@cache
def reached(module: str) -> frozenset[str]:
    """Return the product's modules that a module imports, directly or not, and itself."""
    found, waiting = {module}, [module]
    while waiting:
        new = ours(waiting.pop()) - found
        found |= new
        waiting += new
    return frozenset(found)


def in_layer() -> list[str]:
    return sorted(name for name in PATHS if name.startswith("lytics_sendgrid."))


def in_functions() -> list[str]:
    return sorted(name for name in PATHS if name.startswith("functions."))


def room(module: str) -> str:
    """Return a module's room: the function's name, or the room of the layer."""
    return module.split(".")[1]


def is_handler(module: str) -> bool:
    return module.startswith("functions.") and module.endswith(".app")


def is_adapter(module: str) -> bool:
    in_room = module.startswith("lytics_sendgrid.") and room(module) in ADAPTER_ROOMS
    return in_room or module in SINGLE_ADAPTERS


def decides(module: str) -> bool:
    return not is_handler(module) and not is_adapter(module)


def is_data(module: str, name: str) -> bool:
    """Return whether a name of a module is a constant, a type, or a class without behaviour of its own."""
    for node in tree(PATHS[module]).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=found)) | ast.TypeAlias(name=ast.Name(id=found)):
                if found == name:
                    return True
            case ast.ClassDef(name=found, bases=bases, decorator_list=decorators) if found == name:
                is_protocol = any(ast.unparse(base) == "Protocol" for base in bases)
                return is_protocol or any("dataclass" in ast.unparse(one) for one in decorators)
    return False


@pytest.mark.parametrize("module", sorted(filter(decides, PATHS)))
def test_module_that_decides_imports_no_io_library(module: str) -> None:
    assert not io_libraries(module)


@pytest.mark.parametrize("module", sorted(filter(decides, PATHS)))
def test_module_that_decides_takes_only_data_from_adapters(module: str) -> None:
    used = {(source, name) for source, name in imports(module) if source in PATHS and not decides(source)}
    assert {pair for pair in used if not is_data(*pair)} == set()


@pytest.mark.parametrize("module", sorted(filter(is_adapter, PATHS)))
def test_adapter_does_io(module: str) -> None:
    assert any(map(io_libraries, reached(module)))


@pytest.mark.parametrize("module", in_layer())
def test_layer_never_imports_functions_or_tests(module: str) -> None:
    assert not {name.partition(".")[0] for name, _ in imports(module)} & {"functions", "tests"}


@pytest.mark.parametrize("module", in_layer())
def test_layer_holds_what_two_functions_need(module: str) -> None:
    users = {room(name) for name in in_functions() if module in reached(name)}
    assert len(users) >= 2, users


@pytest.mark.parametrize("module", in_layer())
def test_rooms_of_layer_import_downwards(module: str) -> None:
    floor = next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)
    allowed = {room(module)}.union(*FLOORS[floor + 1 :])
    assert {room(name) for name in ours(module)} <= allowed


def test_no_function_imports_another() -> None:
    crossing = {
        (module, name)
        for module in in_functions()
        for name in ours(module)
        if name.startswith("functions.") and room(name) != room(module)
    }
    assert crossing == BETWEEN_FUNCTIONS


def test_package_files_stay_empty() -> None:
    folders = (ROOT / "functions", ROOT / "layers" / "lytics_sendgrid")
    files = [path for folder in folders for path in folder.rglob("__init__.py")]
    assert len(files) > 5
    assert [path for path in files if path.read_text()] == []


def unit_tests() -> Iterable[Path]:
    return sorted((ROOT / "tests" / "unit").rglob("test_*.py"))


def mirrored(path: Path) -> str:
    """Return the import name of the module that a unit test file mirrors."""
    *folders, name = path.relative_to(ROOT / "tests" / "unit").with_suffix("").parts
    top = [] if folders[:1] == ["functions"] else ["lytics_sendgrid"]
    return ".".join([*top, *folders, name.removeprefix("test_")])


@pytest.mark.parametrize("path", unit_tests(), ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_unit_test_file_mirrors_a_module_or_tells_a_story(path: Path) -> None:
    is_top = path.parent == ROOT / "tests" / "unit"
    if is_top and path.name.startswith(TESTS_OF_TESTS):
        return
    if not is_top and path.name.startswith("test_story_"):
        return
    assert mirrored(path) in PATHS, "move it beside its module's tests, or name it test_story_….py"


def test_names_of_tests_are_at_most_70_characters() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(), re.MULTILINE)
        if len(name) > MAX_NAME_CHARS
    ]
    assert long == []


def test_io_is_found_behind_other_modules() -> None:
    assert not io_libraries("lytics_sendgrid.queues.writer")
    assert "botocore" in set().union(*map(io_libraries, reached("lytics_sendgrid.queues.writer")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MAX_ENTRIES", True), ("SqsClient", True), ("QueueWriter", False), ("_requests", False), ("x", False)],
)
def test_constants_and_types_of_an_adapter_are_data(name: str, expected: bool) -> None:
    assert is_data("lytics_sendgrid.queues.writer", name) is expected


def test_coverage_gate_omits_only_handlers_settings_and_adapters() -> None:
    omitted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]["omit"]
    left_out = {
        name for name, path in PATHS.items() if any(fnmatch(path.as_posix(), pattern) for pattern in omitted)
    }
    settings = {name for name in PATHS if name.startswith("functions.") and name.endswith(".settings")}
    assert left_out == {name for name in PATHS if is_handler(name) or is_adapter(name)} | settings
