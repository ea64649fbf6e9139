"""Segment queries: parse them, check their columns, and compile them to predicates over a contact.

The grammar is the documented one without `event_data`, since the twin has no events:
`SELECT contact_id, updated_at FROM contact_data [AS c] [WHERE predicate]`. A comparison with NULL is
unknown, as in SQL. `LIKE` is case-sensitive and `_` matches one character: SendGrid documents neither, so the
twin chooses the harder reading for the caller.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlglot
from sqlglot import exp

from tests.local.sendgrid_twin.contacts import Contact
from tests.local.sendgrid_twin.custom_fields import date_value
from tests.local.sendgrid_twin.situation import iso
from tests.local.sendgrid_twin.terms import InvalidQueryError, Kind, Term, constant, full_match, strict

type Predicate = Callable[[Contact], bool]

_COMPARE: Mapping[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
}
_ARITHMETIC: Mapping[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.Add: operator.add,
    exp.Sub: operator.sub,
    exp.Mul: operator.mul,
    exp.Div: lambda a, b: a / b if b else None,
    exp.Mod: lambda a, b: a % b if b else None,
}
_UNITS_S = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


def compile_query(sql: str, columns: Mapping[str, Term], now: float) -> Predicate:
    """Compile a segment's `query_dsl`.

    Args:
        sql: The query.
        columns: The columns of `contact_data`, by lower-cased name.
        now: The value of `current_timestamp`, as epoch seconds.

    Raises:
        InvalidQueryError: The query is invalid. The message says why.
    """
    try:
        statements = sqlglot.parse(sql)
    except sqlglot.errors.SqlglotError as error:
        raise InvalidQueryError(f"syntax error: {error}") from error
    if len(statements) != 1 or not isinstance(select := statements[0], exp.Select):
        raise InvalidQueryError("the query must be one SELECT")
    given = {name for name, value in select.args.items() if value}
    if extra := given - {"expressions", "from_", "where", "kind"}:
        raise InvalidQueryError(f"not allowed in a segment's query: {', '.join(sorted(extra))}")
    names = [column.name.lower() if isinstance(column, exp.Column) else "" for column in select.expressions]
    if names != ["contact_id", "updated_at"]:
        raise InvalidQueryError("exactly contact_id and updated_at must be selected")
    source = select.args.get("from_")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or table.name.lower() != "contact_data":
        raise InvalidQueryError("only contact_data can be selected from")
    known = {"", "contact_data", table.alias.lower()}
    where = select.args.get("where")
    if where is None:
        return lambda _contact: True
    return _predicate(_Compiler(columns, known, now).term(where.this))


def compile_condition(condition: str, columns: Mapping[str, Term], now: float) -> Predicate:
    """Compile the `query` of a search: the predicate alone, with `CONTAINS` for arrays.

    Raises:
        InvalidQueryError: As for `compile_query`.
    """
    sql = f"SELECT contact_id, updated_at FROM contact_data WHERE {condition}"  # noqa: S608 - no database
    return compile_query(sql, columns, now)


def _predicate(term: Term) -> Predicate:
    if term.kind is not Kind.BOOLEAN:
        raise InvalidQueryError("WHERE needs a condition")
    read = term.read
    return lambda contact: read(contact) is True


class _Compiler:
    def __init__(self, columns: Mapping[str, Term], tables: set[str], now: float) -> None:
        self._columns = columns
        self._tables = tables
        self._now = now

    def term(self, node: exp.Expression) -> Term:  # noqa: C901 - one case for each kind of node
        match node:
            case exp.Paren():
                return self.term(node.this)
            case exp.Column():
                return self._column(node)
            case exp.Literal():
                if node.is_string:
                    return constant(Kind.TEXT, node.this)
                return constant(Kind.NUMBER, float(node.this))
            case exp.Boolean():
                return constant(Kind.BOOLEAN, node.this)
            case exp.Null():
                return constant(Kind.NULL, None)
            case exp.CurrentTimestamp():
                return constant(Kind.TIMESTAMP, iso(self._now))
            case exp.Neg():
                return self._neg(self._of(node.this, Kind.NUMBER))
            case exp.Not():
                return self._not(self._of(node.this, Kind.BOOLEAN))
            case exp.And() | exp.Or():
                return self._both(node)
            case exp.Is():
                return self._is(node)
            case exp.In():
                return self._in(node)
            case exp.Like():
                return self._like(node)
            case exp.Lower():
                text = self._of(node.this, Kind.TEXT).read
                return Term(Kind.TEXT, lambda c: None if (v := text(c)) is None else v.lower())
            case exp.ArrayContains() | exp.Contains():
                return self._array_contains(node)
            case exp.Anonymous() if node.name.lower() == "timestampadd":
                return self._timestamp_add(node)
        if (compare := _COMPARE.get(type(node))) is not None:
            left, right = self._pair(node.this, node.expression)
            return Term(Kind.BOOLEAN, strict(compare, left.read, right.read))
        if (compute := _ARITHMETIC.get(type(node))) is not None:
            numbers = self._of(node.this, Kind.NUMBER).read, self._of(node.expression, Kind.NUMBER).read
            return Term(Kind.NUMBER, strict(compute, *numbers))
        raise InvalidQueryError(f"not understood: {node.sql()}")

    def _of(self, node: exp.Expression, kind: Kind) -> Term:
        term = self.term(node)
        if term.kind not in {kind, Kind.NULL}:
            raise InvalidQueryError(f"{node.sql()} is a {term.kind}, not a {kind}")
        return term

    def _column(self, node: exp.Column) -> Term:
        if node.table.lower() not in self._tables:
            raise InvalidQueryError(f"unknown table {node.table}")
        column = self._columns.get(node.name.lower())
        if column is None:
            raise InvalidQueryError(f"unknown column {node.name}")
        return column

    def _pair(self, first: exp.Expression, second: exp.Expression) -> tuple[Term, Term]:
        left, right = self.term(first), self.term(second)
        if left.kind is Kind.TIMESTAMP and right.kind is Kind.TEXT:
            right = self._moment(right)
        elif right.kind is Kind.TIMESTAMP and left.kind is Kind.TEXT:
            left = self._moment(left)
        if left.kind is not right.kind and Kind.NULL not in {left.kind, right.kind}:
            raise InvalidQueryError(f"{first.sql()} is a {left.kind}, {second.sql()} a {right.kind}")
        return left, right

    def _moment(self, term: Term) -> Term:
        moment = date_value(term.constant) if isinstance(term.constant, str) else None
        if moment is None:
            raise InvalidQueryError("a timestamp can only be compared with a timestamp")
        return constant(Kind.TIMESTAMP, moment)

    def _neg(self, term: Term) -> Term:
        if isinstance(term.constant, float):
            return constant(Kind.NUMBER, -term.constant)
        read = term.read
        return Term(Kind.NUMBER, lambda c: None if (v := read(c)) is None else -v)

    def _not(self, term: Term) -> Term:
        read = term.read
        return Term(Kind.BOOLEAN, lambda c: None if (v := read(c)) is None else not v)

    def _both(self, node: exp.And | exp.Or) -> Term:
        left, right = self._of(node.this, Kind.BOOLEAN).read, self._of(node.expression, Kind.BOOLEAN).read
        # One such operand decides the result; otherwise an unknown operand makes it unknown.
        decides: bool = isinstance(node, exp.Or)

        def read(contact: Contact) -> bool | None:
            first: bool | None = left(contact)
            if first is decides:
                return decides
            second: bool | None = right(contact)
            if second is decides:
                return decides
            return None if first is None or second is None else not decides

        return Term(Kind.BOOLEAN, read)

    def _is(self, node: exp.Is) -> Term:
        read = self.term(node.this).read
        match node.expression:
            case exp.Null():
                return Term(Kind.BOOLEAN, lambda c: read(c) is None)
            case exp.Boolean():
                wanted = bool(node.expression.this)
                return Term(Kind.BOOLEAN, lambda c: read(c) is wanted)
        raise InvalidQueryError(f"not understood: {node.sql()}")

    def _in(self, node: exp.In) -> Term:
        if node.args.get("query") is not None or not node.expressions:
            raise InvalidQueryError("IN needs a list of values")
        read = self.term(node.this).read
        values = [self._pair(node.this, item)[1] for item in node.expressions]
        if any(value.constant is None for value in values):
            raise InvalidQueryError("IN needs a list of values")
        wanted = frozenset(value.constant for value in values)
        return Term(Kind.BOOLEAN, lambda c: None if (v := read(c)) is None else v in wanted)

    def _like(self, node: exp.Like) -> Term:
        read = self._of(node.this, Kind.TEXT).read
        pattern = self._of(node.expression, Kind.TEXT).constant
        if not isinstance(pattern, str):
            raise InvalidQueryError("LIKE needs a pattern")
        inner = pattern[1:-1]
        if len(pattern) > 2 and pattern[0] == pattern[-1] == "%" and not set(inner) & {"%", "_"}:
            matches: Callable[[str], bool] = lambda value: inner in value  # noqa: E731
        else:
            parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
            matches = full_match(re.compile("".join(parts), re.DOTALL))
        like = Term(Kind.BOOLEAN, lambda c: None if (v := read(c)) is None else matches(v))
        return self._not(like) if node.args.get("negate") else like

    def _array_contains(self, node: exp.ArrayContains | exp.Contains) -> Term:
        read = self._of(node.this, Kind.ARRAY).read
        wanted = node.expression
        values = [self._of(item, Kind.TEXT) for item in (wanted.expressions or [wanted])]
        needed = frozenset(value.constant for value in values)
        return Term(Kind.BOOLEAN, lambda c: not needed.isdisjoint(read(c)))

    def _timestamp_add(self, node: exp.Anonymous) -> Term:
        unit, amount, start = (node.expressions + [None] * 3)[:3]
        seconds = _UNITS_S.get(unit.name.lower().rstrip("s")) if unit is not None else None
        if seconds is None or amount is None or start is None or len(node.expressions) > 3:
            raise InvalidQueryError("timestampadd needs a unit, a number and a timestamp")
        number, moment = self._of(amount, Kind.NUMBER).constant, self._of(start, Kind.TIMESTAMP).constant
        if not isinstance(number, float) or not isinstance(moment, str):
            raise InvalidQueryError("timestampadd is understood for constants only")
        then = datetime.fromisoformat(moment).astimezone(UTC) + timedelta(seconds=number * seconds)
        return constant(Kind.TIMESTAMP, iso(then.timestamp()))
