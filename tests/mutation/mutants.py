"""Small faults in a module's source, one at a time, that a complete test suite would notice.

Annotations, docstrings, decorators, imports and Protocols are skipped: they do not affect what runs.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.modules import NAMES
from tests.mutation.faults import faults

_NOT_RUN: Final = frozenset(
    {"annotation", "returns", "decorator_list", "type_params", "bases", "format_spec"}
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault.

    Attributes:
        module: import name of the faulty module.
        number: index among the module's mutants.
        line: where it is in the source.
        lines: the lines of its statement, any of which coverage may record.
        was: the original source line, or the first of several.
        now: the same line with the fault.
        is_whole_line: the changed part ends on that line.
    """

    module: str
    number: int
    line: int
    lines: range
    was: str
    now: str
    is_whole_line: bool = True


def mutants(path: Path) -> list[Mutant]:
    """Return all faults of a module, in the order of its source."""
    walk = _Walk(path, None)
    walk.visit(ast.parse(path.read_text()))
    return walk.found


def without_fault(module: str) -> Mutant:
    """Return a mutant without a fault. Its tests must pass."""
    return Mutant(module, -1, 0, range(0), "", "")


def mutated(path: Path, number: int) -> ast.Module:
    """Return a module's tree with the given fault."""
    tree = _Walk(path, number).visit(ast.parse(path.read_text()))
    assert isinstance(tree, ast.Module)
    return ast.fix_missing_locations(tree)


class _Walk:
    """Number the faults of a tree, and apply the wanted one."""

    def __init__(self, path: Path, wanted: int | None) -> None:
        self.found: list[Mutant] = []
        self._module = NAMES.get(path, path.stem)
        self._source = path.read_text().splitlines()
        self._wanted = wanted
        self._number = 0
        self._statement: ast.stmt | None = None
        self._parent: ast.AST | None = None

    def visit(self, node: ast.AST) -> Any:
        if _is_skipped(node) or (isinstance(node, ast.Constant) and isinstance(self._parent, ast.JoinedStr)):
            return node
        outer, self._parent = (self._statement, self._parent), node
        if isinstance(node, ast.stmt):
            self._statement = node
        for part, text, changed in faults(node, outer[1]):
            self._number += 1
            if self._wanted is None:
                self._note(part, text())
            elif self._wanted == self._number - 1:
                return changed
        for name, value in ast.iter_fields(node):
            if name in _NOT_RUN:
                continue
            if isinstance(value, list):
                value[:] = [self.visit(one) if isinstance(one, ast.AST) else one for one in value]
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        self._statement, self._parent = outer
        return node

    def _note(self, part: Any, text: str) -> None:
        statement: Any = self._statement or part
        last = part.end_lineno if hasattr(statement, "body") else statement.end_lineno
        line = self._source[part.lineno - 1].encode()
        is_whole_line = part.end_lineno == part.lineno
        end = part.end_col_offset if is_whole_line else len(line)
        now = (line[: part.col_offset] + text.encode() + line[end:]).decode().strip()
        was, number, lines = line.decode().strip(), len(self.found), range(statement.lineno, last + 1)
        self.found.append(Mutant(self._module, number, part.lineno, lines, was, now, is_whole_line))


def _is_skipped(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.TypeAlias() | ast.Expr(value=ast.Constant()):
            return True
        case ast.ClassDef(bases=[ast.Name(id="Protocol")]) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False
