"""Ways to break one part of a source: its operators, limits, strings and statements."""

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

_OPERATORS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_NAMES: Final = {
    one: other
    for pair in (
        "min max",
        "any all",
        "lower upper",
        "startswith endswith",
        "append appendleft",
        "floor ceil",
    )
    for one, other in (pair.split(), pair.split()[::-1])
} | {
    "strip": "lstrip",
    "rstrip": "strip",
    "lstrip": "strip",
    "sorted": "list",
    "fullmatch": "match",
    "abs": "int",
}
_OPERATIONS: Final = (ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.Compare)


def faults(node: ast.AST, parent: ast.AST | None) -> Iterator[tuple[ast.AST, Callable[[], str], ast.AST]]:
    """Yield each fault of a node: the part that changes, how to write it now, and the changed node."""
    for part, new, field, index in _changed_parts(node):
        changed = copy.copy(node)
        if index is None:
            setattr(changed, field, new)
        else:
            items = getattr(node, field)
            setattr(changed, field, [*items[:index], new, *items[index + 1 :]])
        yield part, partial(_text, new, node), changed
    for other in _replacements(node):
        yield node, partial(_text, other, parent), ast.copy_location(copy.copy(other), node)


def _text(new: ast.AST, parent: ast.AST | None) -> str:
    text = ast.unparse(new)
    if isinstance(new, ast.Constant) and isinstance(parent, ast.JoinedStr):
        return str(new.value).replace("{", "{{").replace("}", "}}")
    if isinstance(new, _OPERATIONS) and isinstance(parent, _OPERATIONS):
        return f"({text})"
    return text


def _changed_parts(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, str, int | None]]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if not _has_negation(test):
            yield test, _negated(test), "test", None
        case ast.match_case(guard=ast.expr() as guard) if not _has_negation(guard):
            yield guard, _negated(guard), "guard", None
        case ast.comprehension(ifs=ifs):
            for index, test in enumerate(ifs):
                if not _has_negation(test):
                    yield test, _negated(test), "ifs", index
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, ast.copy_location(ast.Constant(None), value), "value", None
        case ast.JoinedStr(values=values) if not _is_prose(node):
            for index, literal in enumerate(values):
                if isinstance(literal, ast.Constant):
                    other = ast.Constant(f"XX{literal.value!s}")
                    yield literal, ast.copy_location(other, literal), "values", index


def _has_negation(test: ast.expr) -> bool:
    """Return whether another fault already negates this test."""
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot() | ast.In() | ast.NotIn()]):
            return True
    return False


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _is_prose(node: ast.AST) -> bool:
    """Return whether a string contains spaces and so is a message for a person. One fault suffices for it."""
    parts: Sequence[ast.AST] = node.values if isinstance(node, ast.JoinedStr) else [node]
    return any(isinstance(part, ast.Constant) and " " in str(part.value) for part in parts)


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant():
            yield from _other_constants(node)
        case ast.Compare() | ast.BinOp() | ast.AugAssign() | ast.BoolOp() | ast.UnaryOp():
            yield from _other_operations(node)
        case ast.JoinedStr() if _is_prose(node):
            yield ast.Constant("")
        case ast.Call(func=func, args=arguments, keywords=keywords):
            for index in range(len(keywords)):
                yield ast.Call(func, arguments, keywords[:index] + keywords[index + 1 :])
        case ast.Name(id=name) if name in _NAMES:
            yield ast.Name(_NAMES[name], node.ctx)
        case ast.Attribute(value=value, attr=name) if name in _NAMES:
            yield ast.Attribute(value, _NAMES[name], node.ctx)
        case ast.Slice(lower=lower, upper=upper):
            yield from ([] if lower is None else [ast.Slice(None, upper)])
            yield from ([] if upper is None else [ast.Slice(lower, None)])
        case ast.stmt():
            yield from _other_statements(node)


def _other_statements(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _other_operations(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            for index, operator in enumerate(ops):
                yield ast.Compare(left, [*ops[:index], _other(operator), *ops[index + 1 :]], others)
        case ast.BinOp(left=left, op=operator, right=right):
            yield ast.BinOp(left, _other(operator), right)
        case ast.AugAssign(target=target, op=operator, value=value):
            yield ast.AugAssign(target, _other(operator), value)
        case ast.BoolOp(op=boolean, values=values):
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(boolean, rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand


def _other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool() as truth:
            yield ast.Constant(not truth)
        case int() | float() as number:
            yield ast.Constant(number + 1)
        case str() as text:
            yield ast.Constant("" if _is_prose(node) else f"XX{text}")
        case bytes() as octets:
            yield ast.Constant(b"XX" + octets)


def _other(operator: ast.AST) -> Any:
    return _OPERATORS[type(operator)]()
