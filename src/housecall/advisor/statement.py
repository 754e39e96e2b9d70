"""A statement taken apart: its scopes, their relations, and the predicates on the columns of each.

Made from sqlglot's tree, for PostgreSQL and MySQL texts, with values or with placeholders. A text that no parser
understands is None, and nobody concludes anything from it. Only conditions joined by AND are predicates; what stands
below NOT restricts nothing by itself, and the sides of an OR only together (`Scope.alternatives`).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from housecall.engines.engine import EngineName
from housecall.engines.postgresql.counted_text import parameters_apart
from housecall.engines.tokens import mysql_tokens, postgresql_tokens

PredicateKind = Literal["equality", "range", "prefix", "null", "join", "contains"]
MAX_STATEMENT_CHARACTERS = 50_000
SHORTEST_CUT_LIST = 4
"""Tokens: two constants and what parts them, so that a whole one is left when the last is dropped."""

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it does not know


@dataclass(frozen=True, slots=True)
class Relation:
    """A table in FROM. `alias` is the name by which the statement calls it."""

    name: str
    schema: str
    alias: str


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on one column. `expression` is the text around the column when it is wrapped, None for a bare column.

    `other` is the column that a join compares with, as `alias.column`. `layers` are all functions, casts and operators
    of the expression, the outermost first; `has_parameter` tells that its text is not known whole. A range is closed
    when both its ends are given. `contains` is what PostgreSQL searches inside a document, an array or a text vector.
    """

    kind: PredicateKind
    alias: str
    column: str
    expression: str | None = None
    wrapped_by: str | None = None
    other: str | None = None
    elements: int = 1
    layers: tuple[str, ...] = ()
    has_parameter: bool = False
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class OrderKey:
    alias: str
    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """One SELECT, UPDATE or DELETE with what it reads by its own FROM; subqueries are scopes of their own.

    `alternatives` are the conditions with OR, each as the predicates of its sides: an OR restricts when all of its
    sides do, so a side of which nothing is known leaves the whole out.
    """

    relations: tuple[Relation, ...]
    predicates: tuple[Predicate, ...]
    order: tuple[OrderKey, ...]
    has_limit: bool
    alternatives: tuple[tuple[tuple[Predicate, ...], ...], ...] = ()


@lru_cache(maxsize=2_000)
def parse_statement(sql: str, engine: EngineName) -> exp.Expr | None:
    """The tree of one statement, or None when it cannot be understood as one query or change. Do not alter the tree.

    A text that a server cut off inside a list of constants is understood as if the list ended there.
    """
    if len(sql) > MAX_STATEMENT_CHARACTERS:
        return None
    return _tree(sql, engine) or _tree(with_list_closed(sql, engine), engine)


def _tree(sql: str, engine: EngineName) -> exp.Expr | None:
    if not sql:
        return None
    try:
        trees = sqlglot.parse(with_parameters_apart(sql, engine), read=dialect_of(engine))
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError):
        return None  # sqlglot promises its own errors only, but odd text was seen to raise the others too
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query | exp.Update | exp.Delete | exp.Insert) else None


def with_list_closed(sql: str, engine: EngineName) -> str:
    """A statement that was cut off inside a list of constants, without the last one, which may be cut too, and with the
    brackets closed. Empty when it does not end in such a list."""
    scan = mysql_tokens if engine == "mysql" else postgresql_tokens
    tokens = scan(sql.rstrip(". "), lenient=True)
    place = len(tokens)
    while place and (tokens[place - 1].kind in ("number", "string", "parameter") or tokens[place - 1].text == ","):
        place -= 1
    if not place or tokens[place - 1].text not in _CLOSED_BY or len(tokens) - place < SHORTEST_CUT_LIST:
        return ""
    opened: list[str] = []
    for each in tokens:
        if each.text in _CLOSED_BY:
            opened.append(_CLOSED_BY[each.text])
        elif opened and each.text == opened[-1]:
            opened.pop()
    last = tokens[-1] if tokens[-1].text != "," else tokens[-2]
    return sql[: last.start].rstrip().rstrip(",") + "".join(reversed(opened))


_CLOSED_BY = {"(": ")", "[": "]"}
"""`IN (1, 2` and PostgreSQL's `ARRAY[1, 2`."""


def with_parameters_apart(sql: str, engine: EngineName) -> str:
    """For PostgreSQL the text with a space behind each `$1`, as parsers need it."""
    return parameters_apart(sql) if engine == "postgresql" else sql


def dialect_of(engine: EngineName) -> str:
    return "postgres" if engine == "postgresql" else "mysql"


def scopes(tree: exp.Expr, engine: EngineName) -> tuple[Scope, ...]:
    """Every scope of the statement that reads tables."""
    found = (_scope(node, engine) for node in tree.find_all(exp.Select, exp.Update, exp.Delete))
    return tuple(scope for scope in found if scope.relations)


def relations_of(node: exp.Expr) -> tuple[Relation, ...]:
    """The tables that this SELECT, UPDATE or DELETE names itself, without names of common table expressions."""
    ctes = {cte.alias for cte in node.root().find_all(exp.CTE)}
    return tuple(
        Relation(table.name, table.db, table.alias or table.name)
        for table in _own(node, exp.Table)
        if isinstance(table, exp.Table)
        and isinstance(table.this, exp.Identifier)
        and not any(table is each for each in node.args.get("tables") or ())  # names in DELETE a FROM a JOIN b
        and (table.db or table.name not in ctes)
    )


def _scope(node: exp.Expr, engine: EngineName) -> Scope:
    relations = relations_of(node)
    predicates = tuple(
        predicate for condition in _conditions(node) for predicate in _predicates(condition, relations, engine)
    )
    alternatives = tuple(
        tuple(_sides(condition, relations, engine)) for condition in _conditions(node) if isinstance(condition, exp.Or)
    )
    return Scope(relations, predicates, _order(node, relations), node.args.get("limit") is not None, alternatives)


def _sides(condition: exp.Expr, relations: tuple[Relation, ...], engine: EngineName) -> Iterator[tuple[Predicate, ...]]:
    """What must hold on each side of an OR."""
    sides = [condition]
    while sides:
        side = sides.pop(0)
        if isinstance(side, exp.Or | exp.Paren):
            sides[:0] = list(side.iter_expressions())
        else:
            yield tuple(each for part in joined_by_and(side) for each in _predicates(part, relations, engine))


def _own(node: exp.Expr, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Nodes of these kinds below, without those inside a subquery."""
    pending = [child for child in node.iter_expressions() if not isinstance(child, exp.With)]
    while pending:
        child = pending.pop(0)
        if isinstance(child, kinds):
            yield child
        if not isinstance(child, exp.Query) or isinstance(child, exp.Table):
            pending.extend(child.iter_expressions())


def _conditions(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that must all hold: WHERE, and ON of joins that are not outer."""
    where = node.args.get("where")
    roots = [where.this] if where is not None else []
    roots += [join.args["on"] for join in node.args.get("joins") or () if join.args.get("on") is not None]
    for table in _joined_tables(node):
        roots += [join.args["on"] for join in table.args.get("joins") or () if join.args.get("on") is not None]
    for root in roots:
        yield from joined_by_and(root)


def _joined_tables(node: exp.Expr) -> Iterator[exp.Table]:
    """Tables that hold joins of their own: behind FROM, and what an UPDATE or DELETE changes."""
    from_ = node.args.get("from_")
    changed = node.this if isinstance(node, exp.Update | exp.Delete) else None
    for table in (from_.this if from_ is not None else None, changed):
        if isinstance(table, exp.Table):
            yield table


def joined_by_and(root: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a condition that AND joins."""
    parts = [root]
    while parts:
        condition = parts.pop(0)
        if isinstance(condition, exp.And | exp.Paren):
            parts[:0] = list(condition.iter_expressions())
        else:
            yield condition


_RANGES = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_CONTAINS = (
    exp.ArrayContainsAll, exp.ArrayOverlaps, exp.JSONBContainsTopKey, exp.JSONBContainsAnyTopKeys,
    exp.JSONBContainsAllTopKeys,
)  # fmt: skip
"""`@>`, `&&`, `?`, `?|` and `?&`, for which GIN has operators."""


def _predicates(condition: exp.Expr, relations: tuple[Relation, ...], engine: EngineName) -> Iterator[Predicate]:
    if isinstance(condition, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        for each in _of_rows(condition, engine):
            yield from _comparison(each, relations, engine)
    elif isinstance(condition, exp.NullSafeEQ) and engine == "postgresql":
        yield from _null_safe(condition, relations)  # MySQL's <=> takes an index
    elif isinstance(condition, exp.Between):
        found = _on_column("range", condition.this, relations, engine)
        yield from (replace(each, is_closed=True) for each in found)
    elif isinstance(condition, _CONTAINS) and engine == "postgresql":
        yield from _on_column("contains", condition.this, relations, engine)
        if isinstance(condition, exp.ArrayOverlaps):
            yield from _on_column("contains", condition.expression, relations, engine)
    elif isinstance(condition, exp.ArrayContainedBy) and engine == "postgresql":
        yield from _on_column("contains", condition.expression, relations, engine)
    elif isinstance(condition, exp.MatchAgainst) and engine == "postgresql" and len(condition.expressions) == 1:
        yield from _on_column("contains", condition.expressions[0], relations, engine)
    elif isinstance(condition, exp.In):
        constants = condition.args.get("expressions") or []
        if constants or condition.args.get("unnest") is not None:
            yield from _on_column("equality", condition.this, relations, engine, elements=max(1, len(constants)))
    elif isinstance(condition, exp.Is):
        yield from _on_column("null", condition.this, relations, engine)
    elif isinstance(condition, exp.Like) and not _starts_with_wildcard(condition.expression):
        yield from _on_column("prefix", condition.this, relations, engine)


def _starts_with_wildcard(pattern: exp.Expr | None) -> bool:
    return not isinstance(pattern, exp.Literal) or str(pattern.this)[:1] in ("%", "_")


def _of_rows(condition: exp.Expr, engine: EngineName) -> Iterator[exp.Expr]:
    """A comparison of rows, `(a, b) > ($1, $2)`, as that of its columns: of all when they are to be equal, else of the
    first, by which the rows are ordered; not for MySQL, which reads no range of an index for it."""
    left, right = condition.args["this"], condition.args["expression"]
    if not (isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple)):
        yield condition
        return
    pairs = list(zip(left.expressions, right.expressions, strict=False))
    if isinstance(condition, exp.EQ):
        yield from (exp.EQ(this=one.copy(), expression=other.copy()) for one, other in pairs)
    elif engine == "postgresql":
        goes_up = isinstance(condition, exp.GT | exp.GTE)
        one, other = (each.copy() for each in pairs[0])
        yield exp.GTE(this=one, expression=other) if goes_up else exp.LTE(this=one, expression=other)


def _null_safe(condition: exp.Expr, relations: tuple[Relation, ...]) -> Iterator[Predicate]:
    """`IS NOT DISTINCT FROM`, for which PostgreSQL's indexes have no operator."""
    for side in (condition.this, condition.expression):
        alias = _alias_of(side, relations) if isinstance(side, exp.Column) else None
        if alias is not None:
            column = exp.column(side.this.copy()).sql("postgres")
            yield Predicate(
                "equality", alias, side.name, f"{column} {NULL_SAFE.upper()} …", NULL_SAFE, None, 1, (NULL_SAFE,), True
            )


NULL_SAFE = "is not distinct from"


def _comparison(condition: exp.Expr, relations: tuple[Relation, ...], engine: EngineName) -> Iterator[Predicate]:
    left, right = condition.args["this"], condition.args["expression"]
    columns_left, columns_right = list(left.find_all(exp.Column)), list(right.find_all(exp.Column))
    if isinstance(condition, exp.EQ) and len(columns_left) == len(columns_right) == 1:
        pairs = ((left, columns_left[0], columns_right[0]), (right, columns_right[0], columns_left[0]))
        if _alias_of(columns_left[0], relations) != _alias_of(columns_right[0], relations):
            for side, _, other in pairs:
                name = f"{_alias_of(other, relations) or other.table}.{other.name}"
                yield from _on_column("join", side, relations, engine, other=name)
        return
    kind: PredicateKind = "equality" if isinstance(condition, exp.EQ) else "range"
    for side, other, opposite in ((left, right, columns_right), (right, left, columns_left)):
        if not opposite:
            elements = max(1, len(list_of(other))) if kind == "equality" else 1
            yield from _on_column(kind, _collated(side, other, engine), relations, engine, elements=elements)


def list_of(side: exp.Expr) -> list[exp.Expr]:
    """The members of `ANY (ARRAY[1, 2, 3])`; none for anything else."""
    if not isinstance(side, exp.Any):
        return []
    inner = side.this
    while isinstance(inner, exp.Paren | exp.Cast):
        inner = inner.this
    return list(inner.expressions) if isinstance(inner, exp.Array) else []


def _collated(side: exp.Expr, other: exp.Expr, engine: EngineName) -> exp.Expr:
    """In PostgreSQL a collation that either side names holds for the comparison, and an index has to be in it."""
    if engine != "postgresql" or not isinstance(other, exp.Collate) or not isinstance(side, exp.Column):
        return side
    return exp.Collate(this=side.copy(), expression=other.expression.copy())


def _on_column(
    kind: PredicateKind,
    side: exp.Expr,
    relations: tuple[Relation, ...],
    engine: EngineName,
    *,
    other: str | None = None,
    elements: int = 1,
) -> Iterator[Predicate]:
    while isinstance(side, exp.Paren):
        side = side.this
    columns = list(side.find_all(exp.Column))
    if len(columns) != 1 or side.find(exp.Query, exp.AggFunc, exp.Window):
        return
    alias = _alias_of(columns[0], relations)
    if alias is None or isinstance(columns[0].this, exp.Star):
        return
    bare = side is columns[0]
    yield Predicate(
        kind,
        alias,
        columns[0].name,
        None if bare else _without_alias(side, dialect_of(engine)),
        None if bare else wrapping_of(side),
        other,
        elements,
        () if bare else _layers(side),
        not bare and side.find(exp.Parameter, exp.Placeholder) is not None,
    )


def _layers(side: exp.Expr) -> tuple[str, ...]:
    kinds = (exp.Func, exp.Binary, exp.Unary, exp.Any)
    nodes = [node for node in side.walk() if isinstance(node, kinds) and not isinstance(node, exp.Paren)]
    return tuple(wrapping_of(node) for node in nodes)


def _alias_of(column: exp.Column, relations: tuple[Relation, ...]) -> str | None:
    """The relation of a column: the one that it names, or the only one there is. None: cannot be told."""
    if column.table:
        return column.table if any(relation.alias == column.table for relation in relations) else None
    return relations[0].alias if len(relations) == 1 else None


def wrapping_of(side: exp.Expr) -> str:
    """What stands around the column: `lower`, `cast to integer`, `arithmetic`, or a key, `doc ->> 'n'`."""
    if isinstance(side, exp.Cast):
        return f"cast to {side.to.sql('postgres').lower().replace('decimal', 'numeric')}"
    if isinstance(side, exp.Anonymous):
        return str(side.name).lower()
    if isinstance(side, exp.Any | exp.Collate):
        return "any" if isinstance(side, exp.Any) else "collate"
    if isinstance(side, exp.Func):
        return side.sql("postgres").partition("(")[0].lower()
    return "arithmetic"


def _without_alias(side: exp.Expr, dialect: str) -> str:
    """The expression as an index would have it: columns without the name of their table, functions in lower case."""
    copied = side.copy()
    for column in copied.find_all(exp.Column):
        column.set("table", None)
        column.set("db", None)
    for unit in copied.find_all(exp.Var):
        unit.set("this", str(unit.this).lower())  # sqlglot writes DAY for 'day'; an index must repeat the statement
    return copied.sql(dialect, normalize_functions="lower")


def without_table(expression: exp.Expr, engine: EngineName) -> str:
    """The text of an expression, its columns without the name of their table."""
    return _without_alias(expression, dialect_of(engine))


def _order(node: exp.Expr, relations: tuple[Relation, ...]) -> tuple[OrderKey, ...]:
    """ORDER BY as columns of relations; empty when anything else is in it, for no index serves half an order."""
    order = node.args.get("order")
    keys = []
    for ordered in order.expressions if order is not None else ():
        column = ordered.this
        alias = _alias_of(column, relations) if isinstance(column, exp.Column) else None
        if alias is None:
            return ()
        keys.append(OrderKey(alias, column.name, bool(ordered.args.get("desc"))))
    return tuple(keys)
