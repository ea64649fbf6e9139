"""`make mutate` puts one fault at a time into a module, and reports which faults survive."""

import ast
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.modules import PATHS
from tests.mutation.__main__ import MODULES, equivalents, report, stale
from tests.mutation.mutants import Mutant, mutants, mutated
from tests.mutation.trials import Baseline


def module(folder: Path, source: str) -> Path:
    path = folder / "some.py"
    path.write_text(textwrap.dedent(source))
    return path


def is_same(one: Any, other: Any) -> bool:
    """Compare two trees as `ast.dump` shows them, in a fraction of its time."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, ast.AST):
        return all(is_same(getattr(one, name, None), getattr(other, name, None)) for name in one._fields)
    return bool(one == other)


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("a < b", ["a <= b"]),
        ("a == b != c", ["a != b != c", "a == b == c"]),
        ("a and b or c", ["c", "a and b", "b or c", "a or c"]),
        ("not a", ["a"]),
        ("-a // 2", ["-a / 2", "a // 2", "-a // 3"]),
        ("f(1.5, key=True)", ["f(1.5)", "f(2.5, key=True)", "f(1.5, key=False)"]),
        ("a[1:]", ["a[:]", "a[2:]"]),
        ("'word'", ["'XXword'"]),
        ("'words for a person'", ["''"]),
        ("b'\\xff'", ["b'XX\\xff'"]),
        ("f'{a}#{b:03}'", ["f'{a}XX#{b:03}'"]),
        ("f'{a} said {len(b)}'", ["''"]),
        ("b if a else c", ["b if not a else c"]),
        ("[a for a in b if c]", ["[a for a in b if not c]"]),
        ("min(a.strip(), 'x')", ["max(a.strip(), 'x')", "min(a.lstrip(), 'x')", "min(a.strip(), 'XXx')"]),
    ],
)
def test_every_part_of_an_expression_is_mutated(tmp_path: Path, source: str, faults: list[str]) -> None:
    found = mutants(module(tmp_path, f"x = {source}"))
    assert [mutant.now for mutant in found] == [f"x = {fault}" for fault in faults]


def test_statements_are_mutated_and_unexecuted_code_is_skipped(tmp_path: Path) -> None:
    path = module(
        tmp_path,
        '''
        """A module."""
        import json
        from typing import TYPE_CHECKING, Protocol
        if TYPE_CHECKING:
            import os
        type Number = int | None
        class Queue(Protocol):
            def send(self, delay_s: int = 0) -> None: ...
        @cache(maxsize=1)
        def f(a: "int" = 1) -> "str | None":
            """Do it."""
            while a:
                a += 1
                if g(a):
                    continue
                break
            g(a)
            raise ValueError(a)
            return a
        ''',
    )
    assert [mutant.now for mutant in mutants(path)] == [
        'def f(a: "int" = 2) -> "str | None":',
        "while not a:",
        "a -= 1",
        "a += 2",
        "if not g(a):",
        "break",
        "continue",
        "pass",
        "pass",
        "return None",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "lytics_sendgrid.domain.contact",
        "functions.deliver.merge",
        "lytics_sendgrid.sendgrid.row",
        "functions.deliver.row_queue",
        "lytics_sendgrid.domain.field_values",
    ],
)
def test_mutant_differs_from_its_module_only_in_the_described_fault(name: str) -> None:
    path = PATHS[name]
    source = path.read_text().splitlines()
    for mutant in mutants(path):
        tree = mutated(path, mutant.number)
        compile(tree, name, "exec")
        if mutant.is_whole_line:
            line = source[mutant.line - 1].replace(mutant.was, mutant.now)
            expected = ast.parse("\n".join([*source[: mutant.line - 1], line, *source[mutant.line :]]))
            assert is_same(tree, expected), mutant


def test_every_explained_mutant_exists() -> None:
    names = MODULES.split()
    assert stale(equivalents(), (m for name in names for m in mutants(PATHS[name])), names) == []
    assert all(equivalents().values())


MUTANTS = [Mutant("row", number, number + 1, range(1), f"a{number}", f"b{number}") for number in range(4)]
KNOWN = {("row", f"a{number}", f"b{number}"): f"reason {number}" for number in (1, 2)}


def test_mutant_runs_tests_of_its_lines_or_for_constants_of_its_module() -> None:
    slow, fast, own = (
        "tests/unit/test_a.py::slow",
        "tests/unit/test_a.py::fast",
        "tests/unit/test_row.py::own",
    )
    lines = {7: frozenset({slow}), 8: frozenset({slow, fast})}
    base = Baseline({"row": lines}, {slow: 3.0, own: 2.0, fast: 1.0, "tests/unit/test_b.py::other": 1.0})
    assert base.of(Mutant("row", 0, 8, range(8, 9), "a", "b")) == [fast, slow]
    assert base.of(Mutant("row", 1, 1, range(1, 2), "a", "b")) == [fast, own, slow]


def test_explanation_without_a_mutant_is_stale() -> None:
    assert stale(KNOWN, MUTANTS, ["row"]) == []
    assert stale({**KNOWN, ("row", "a2", "c2"): "?"}, MUTANTS, ["row"]) == ["row: a2  ->  c2"]


def test_untried_module_is_not_stale_but_removed_module_is() -> None:
    known = {("lytics_sendgrid.domain.field_values", "x", "y"): "?", ("gone", "x", "y"): "?"}
    assert stale(known, MUTANTS, ["row"]) == ["gone: x  ->  y"]


def test_report_separates_explained_and_unexplained_survivors() -> None:
    outcomes = ["survived", "survived", "killed", "timed out"]
    assert report(dict(zip(MUTANTS, outcomes, strict=True)), KNOWN) == [
        "module                                   mutants  killed  explained  UNEXPLAINED  killed %",
        "row                                            4       2          1            1      50.0",
        "total                                          4       2          1            1      50.0",
        "",
        "UNEXPLAINED: 1",
        "",
        "row:1: UNEXPLAINED",
        "  - a0",
        "  + b0",
        "",
        "explained: 1",
        "",
        "row:2: reason 1",
        "  - a1",
        "  + b1",
        "",
        "explained but killed: 1",
        "",
        "row:3: reason 2",
        "  - a2",
        "  + b2",
    ]
