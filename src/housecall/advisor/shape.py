"""How a statement is written, where the way of writing costs: pure detections that causes build on.

Each works on the text alone, or with the types of columns where it needs them, and returns typed values; whether it
matters on this server (how often it runs, how large the table is) is for the causes to judge.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from housecall.advisor.statement import (
    dialect_of,
    joined_by_and,
    parse_statement,
    relations_of,
    scopes,
    with_parameters_apart,
    without_table,
)
from housecall.engines.engine import EngineName

# An OFFSET reads and throws away as many rows; below this they come from a page or two of an index.
DEEP_OFFSET_ROWS = 1_000
# Each element is planned; PostgreSQL 14 and newer hash constant lists of 9 and more, but planning still grows.
HUGE_LIST_ELEMENTS = 100

Columns = Mapping[str, Mapping[str, str]]
"""Types by column by table name, as the catalogue spells them: `{"orders": {"id": "bigint"}}`."""

_INTEGERS = frozenset({"smallint", "integer", "bigint", "int", "int2", "int4", "int8", "tinyint", "mediumint"})
_TEXTS = ("char", "text", "enum")
_LARGE_TYPES = frozenset(
    {"text", "json", "jsonb", "xml", "bytea", "blob", "longtext", "mediumtext", "longblob", "mediumblob"}
)


@dataclass(frozen=True, slots=True)
class ColumnInExpression:
    """A compared column inside a function, a cast or arithmetic: an index on the column alone cannot serve."""

    relation: str
    column: str
    wrapped_by: str
    expression: str


@dataclass(frozen=True, slots=True)
class LeadingWildcard:
    """`LIKE '%…'`: the beginning is open, so no b-tree helps. `relation` is empty when it cannot be told; `pattern` is
    None where a parameter gives it, so that its beginning may be open or not."""

    relation: str
    column: str
    pattern: str | None


@dataclass(frozen=True, slots=True)
class ImplicitCast:
    """A comparison that makes the server convert the column, row by row, to the type of the other side."""

    relation: str
    column: str
    column_type: str
    compared_with: str


@dataclass(frozen=True, slots=True)
class Offset:
    """OFFSET; `rows` is None when it is a parameter."""

    rows: int | None

    @property
    def deep(self) -> bool:
        return self.rows is not None and self.rows >= DEEP_OFFSET_ROWS


@dataclass(frozen=True, slots=True)
class HugeList:
    relation: str
    column: str
    elements: int


@dataclass(frozen=True, slots=True)
class CorrelatedSubquery:
    """A subquery that runs for each row of the outer query, by `columns` of that query (`alias.column`).

    `flattens` is true for EXISTS and IN, which planners turn into joins; a scalar subquery stays a loop.
    """

    tables: tuple[str, ...]
    columns: tuple[str, ...]
    flattens: bool


@dataclass(frozen=True, slots=True)
class SelectsAllColumns:
    """`SELECT *`. `large_columns` are those of large types (`table.column`); `width` counts columns, None: unknown."""

    tables: tuple[str, ...]
    large_columns: tuple[str, ...]
    width: int | None


@dataclass(frozen=True, slots=True)
class StatementShape:
    """Everything that was detected. `understood` is false when no parser could read the text: then nothing is known."""

    understood: bool
    wrapped: tuple[ColumnInExpression, ...] = ()
    wildcards: tuple[LeadingWildcard, ...] = ()
    implicit_casts: tuple[ImplicitCast, ...] = ()
    offsets: tuple[Offset, ...] = ()
    huge_lists: tuple[HugeList, ...] = ()
    correlated: tuple[CorrelatedSubquery, ...] = ()
    all_columns: SelectsAllColumns | None = None
    tables: tuple[str, ...] = field(default=())
    condenses: bool = False
    """Whether it returns fewer rows than its conditions select: an aggregate, DISTINCT, or LIMIT."""
    aggregates: bool = False
    """Whether its rows say nothing of how many its conditions select: an aggregate or DISTINCT."""


def statement_shape(sql: str, engine: EngineName, columns: Columns | None = None) -> StatementShape:
    """How the statement is written. Implicit casts and large columns need `columns`."""
    tree = parse_statement(sql, engine)
    if tree is None:
        return StatementShape(False)
    types = columns or {}
    names = _names_by_alias(tree)
    return StatementShape(
        understood=True,
        wrapped=_wrapped(tree, engine, names),
        wildcards=_wildcards(tree, names),
        implicit_casts=_implicit_casts(tree, engine, names, types),
        offsets=tuple(_offset(node) for node in tree.find_all(exp.Offset)),
        huge_lists=_huge_lists(tree, names),
        correlated=_correlated(tree),
        all_columns=_all_columns(tree, types),
        tables=tuple(dict.fromkeys(names.values())),
        condenses=tree.find(exp.AggFunc, exp.Group, exp.Distinct, exp.Limit, exp.Fetch) is not None,
        aggregates=tree.find(exp.AggFunc, exp.Group, exp.Distinct) is not None,
    )


def columns_in_expressions(condition: str, engine: EngineName = "postgresql") -> tuple[ColumnInExpression, ...]:
    """As `wrapped`, for a condition by itself, such as the filter of a plan. Empty for one that cannot be read."""
    try:
        sql = with_parameters_apart(f"SELECT 1 FROM the_table WHERE {condition}", engine)
        tree = sqlglot.parse_one(sql, read=dialect_of(engine))
    except (SqlglotError, RecursionError):
        return ()
    for column in tree.find_all(exp.Column):
        for part in ("table", "db", "catalog"):
            column.set(part, None)
    return _wrapped(tree, engine, {"the_table": ""})


def of_relation(condition: str, alias: str) -> str:
    """A condition of PostgreSQL with `alias` before the columns that name no relation, as a plan writes those of one
    scan. As it is where it cannot be read."""
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {with_parameters_apart(condition, 'postgresql')}", read="postgres")
    except (SqlglotError, RecursionError):
        return condition
    for column in tree.find_all(exp.Column):
        if not column.table:
            column.set("table", exp.to_identifier(alias, quoted=True))
    return str(tree.args["where"].this.sql("postgres"))


def _names_by_alias(tree: exp.Expr) -> dict[str, str]:
    found = tree.find_all(exp.Select, exp.Update, exp.Delete)
    return {relation.alias: relation.name for node in found for relation in relations_of(node)}


def _wrapped(tree: exp.Expr, engine: EngineName, names: Mapping[str, str]) -> tuple[ColumnInExpression, ...]:
    found = [
        ColumnInExpression(names.get(each.alias, each.alias), each.column, each.wrapped_by or "", each.expression)
        for scope in scopes(tree, engine)
        for each in scope.predicates
        if each.expression is not None
    ]
    return tuple(dict.fromkeys([*found, *_without_case(tree, engine, names), *_searched(tree, engine, names)]))


def _without_case(tree: exp.Expr, engine: EngineName, names: Mapping[str, str]) -> Iterator[ColumnInExpression]:
    """ILIKE with a known beginning: an index on the column holds its capitals and cannot serve."""
    for like in tree.find_all(exp.ILike) if engine == "postgresql" else ():
        column, pattern = like.this, beginning(like.expression)
        is_known = isinstance(pattern, exp.Literal) and str(pattern.this)[:1] not in ("", "%", "_")
        if isinstance(column, exp.Column) and is_known and not isinstance(like.parent, exp.Not):
            yield ColumnInExpression(_relation_of(column, names), column.name, "ilike", f"{column.name} ILIKE")


def _searched(tree: exp.Expr, engine: EngineName, names: Mapping[str, str]) -> Iterator[ColumnInExpression]:
    """What MySQL and MariaDB answer by computing every row, where it is a condition by itself: a function that searches
    in the column, and rows that are compared as a whole, of which no range of an index is made."""
    wheres = tree.find_all(exp.Where) if engine == "mysql" else ()
    for part in (each for where in wheres for each in joined_by_and(where.this)):
        if isinstance(part, exp.GT | exp.GTE | exp.LT | exp.LTE) and isinstance(part.this, exp.Tuple):
            columns = part.this.expressions
            if len(columns) > 1 and all(isinstance(each, exp.Column) for each in columns):
                listed = ", ".join(each.name for each in columns)
                yield ColumnInExpression(_relation_of(columns[0], names), columns[0].name, ROW, f"({listed})")
            continue
        function = _searching(part)
        within = list(part.find_all(exp.Column))
        if function is not None and len(within) == 1 and not part.find(exp.Query):
            text = without_table(part, engine)
            yield ColumnInExpression(_relation_of(within[0], names), within[0].name, function, text)


ROW = "row constructor"
SEARCHES = frozenset({
    "find_in_set", "regexp_like", "instr", "locate", "position", "json_contains", "json_overlaps", "json_search",
    "member of",
})  # fmt: skip
"""Functions that look for something inside a column: an index on their result would serve one value only."""


def _searching(part: exp.Expr) -> str | None:
    if isinstance(part, exp.RegexpLike):
        return "regexp_like"
    if isinstance(part, exp.StrPosition):
        return "locate"
    if isinstance(part, exp.JSONArrayContains):
        return "member of"
    name = str(part.name).lower() if isinstance(part, exp.Anonymous) else ""
    return name if name in SEARCHES else None


def _relation_of(column: exp.Column, names: Mapping[str, str]) -> str:
    if column.table:
        return names.get(column.table, column.table)
    return next(iter(names.values())) if len(names) == 1 else ""


def _wildcards(tree: exp.Expr, names: Mapping[str, str]) -> tuple[LeadingWildcard, ...]:
    found = []
    for like in tree.find_all(exp.Like, exp.ILike):
        column, pattern = like.this.find(exp.Column), beginning(like.expression)
        if column is None:
            continue
        if isinstance(pattern, exp.Parameter | exp.Placeholder):
            found.append(LeadingWildcard(_relation_of(column, names), column.name, None))
        elif isinstance(pattern, exp.Literal) and str(pattern.this)[:1] in ("%", "_"):
            found.append(LeadingWildcard(_relation_of(column, names), column.name, str(pattern.this)))
    return tuple(found)


def beginning(pattern: exp.Expr) -> exp.Expr:
    """What a pattern that is put together begins with: the first operand of `concat('%', $1)` or `'%' || $1`."""
    while isinstance(pattern, exp.DPipe | exp.Concat | exp.Paren):
        pattern = pattern.expressions[0] if isinstance(pattern, exp.Concat) else pattern.this
    return pattern


def _implicit_casts(
    tree: exp.Expr, engine: EngineName, names: Mapping[str, str], types: Columns
) -> tuple[ImplicitCast, ...]:
    found = []
    for comparison in tree.find_all(exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE):
        for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
            if isinstance(side, exp.Column):
                relation = _relation_of(side, names)
                column_type = types.get(relation, {}).get(side.name, "")
                against = _converts_column(engine, column_type.lower(), other)
                if against:
                    found.append(ImplicitCast(relation, side.name, column_type, against))
    return tuple(found)


def _converts_column(engine: EngineName, column_type: str, other: exp.Expr) -> str | None:
    """The type that the column is converted to, or None when it stays as it is or the types are not known.

    PostgreSQL: the integer types yield to numeric and float, char(n) to text. MySQL: text compared with a number
    becomes a number. Sources: PostgreSQL manual, "Operator Type Resolution"; MySQL manual, "Type Conversion".
    """
    base = column_type.split("(")[0].strip()
    written = other.to.sql("postgres").lower().split("(")[0] if isinstance(other, exp.Cast) else ""
    number = isinstance(other, exp.Literal) and not other.is_string
    if engine == "mysql":
        return "number" if number and base.endswith(_TEXTS) else None
    if base in _INTEGERS:
        if number and not str(other.this).isdigit():
            return "numeric"
        return written if written in ("decimal", "numeric", "real", "double precision", "float") else None
    if base in ("character", "char", "bpchar"):
        return written if written in ("text", "varchar") else None
    return None


def _offset(node: exp.Offset) -> Offset:
    value = node.expression
    literal = isinstance(value, exp.Literal) and not value.is_string and str(value.this).isdigit()
    return Offset(int(value.this) if literal else None)


def _huge_lists(tree: exp.Expr, names: Mapping[str, str]) -> tuple[HugeList, ...]:
    found = []
    for node in tree.find_all(exp.In):
        elements = len(node.args.get("expressions") or ())
        column = node.this.find(exp.Column)
        if elements >= HUGE_LIST_ELEMENTS and column is not None:
            found.append(HugeList(_relation_of(column, names), column.name, elements))
    for array in tree.find_all(exp.Array):
        comparison = array.find_ancestor(exp.EQ)
        column = comparison.find(exp.Column) if comparison is not None else None
        if len(array.expressions) >= HUGE_LIST_ELEMENTS and column is not None:
            found.append(HugeList(_relation_of(column, names), column.name, len(array.expressions)))
    return tuple(found)


def _correlated(tree: exp.Expr) -> tuple[CorrelatedSubquery, ...]:
    found = []
    for select in tree.find_all(exp.Select):
        holder = select.parent
        if not isinstance(holder, exp.Subquery | exp.Exists | exp.In) or _is_source(holder):
            continue
        inner = {relation.alias for node in select.find_all(exp.Select) for relation in relations_of(node)}
        inner |= {source.alias for source in select.find_all(exp.Subquery, exp.CTE) if source.alias}
        outer = sorted(
            {
                f"{each.table}.{each.name}"
                for each in select.find_all(exp.Column)
                if each.table and each.table not in inner
            }
        )
        if outer:
            tables = tuple(dict.fromkeys(relation.name for relation in relations_of(select)))
            found.append(CorrelatedSubquery(tables, tuple(outer), isinstance(holder, exp.Exists | exp.In)))
    return tuple(found)


def _is_source(holder: exp.Expr) -> bool:
    """Whether a subquery stands in FROM: LATERAL is correlated by wish, and a plain one cannot be."""
    return isinstance(holder, exp.Subquery) and isinstance(holder.parent, exp.From | exp.Join | exp.Lateral)


def _all_columns(tree: exp.Expr, types: Columns) -> SelectsAllColumns | None:
    select = tree if isinstance(tree, exp.Select) else None
    if select is None or not any(_is_star(column) for column in select.expressions):
        return None
    named = {column.table for column in select.expressions if _is_star(column) and isinstance(column, exp.Column)}
    plain = any(isinstance(column, exp.Star) for column in select.expressions)
    tables = [each.name for each in relations_of(select) if plain or each.alias in named]
    known = [(table, types[table]) for table in tables if table in types]
    large = [
        f"{table}.{column}" for table, each in known for column, kind in each.items() if kind.lower() in _LARGE_TYPES
    ]
    width = sum(len(each) for _, each in known) if known and len(known) == len(tables) else None
    return SelectsAllColumns(tuple(tables), tuple(large), width)


def _is_star(column: exp.Expr) -> bool:
    return isinstance(column, exp.Star) or (isinstance(column, exp.Column) and isinstance(column.this, exp.Star))
