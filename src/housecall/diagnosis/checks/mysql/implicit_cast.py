"""Hot statements that compare an indexed text column with a number, or join it with a column of numbers, or look for a
pattern in a column of times or numbers, so that it is converted row by row.

Why it matters: MySQL and MariaDB compare text with a number as numbers; every row's text is converted, and the index on
the column cannot be used.
How to fix: pass the value as text (quote it), or make the column the number that it holds.
Proof: the literal in a statement that was kept or seen running, or the server's own note on the plan. Where values are
hidden (digests of MariaDB) it is concluded from the counters: an equality on an indexed text column that never uses the
index; that is said, with less confidence.
Source: MySQL manual, "Type Conversion in Expression Evaluation".
"""

from collections.abc import Iterator
from typing import NamedTuple

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._index_candidates import in_lower_case
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.checks.mysql._predicates import comparisons, indexed, reads_whole
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import (
    HotStatement,
    accesses_of,
    hot_statements,
    is_hot,
    plan_of,
    table_of,
)
from housecall.diagnosis.checks.mysql._tables import Table
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.implicit_cast",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Comparison that converts the column", zh="隐式类型转换"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.0005, "mean time of a run; a lookup by key takes less"),
        Threshold("min_rows", 1_000, "on smaller tables the conversion costs nothing"),
        Threshold("warning_share", 0.05, "of all statement time: a twentieth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.002, "mean time of a lookup that should take a tenth of a millisecond"),
    ],
    needs_window=True,
)
_TEXT_TYPES = ("char", "varchar", "text", "tinytext", "mediumtext", "longtext", "enum")
_TIME_TYPES = ("date", "datetime", "timestamp", "time", "year")
_NUMBER_TYPES = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double")
_JOINS = Say(
    en="{column} is {type} and joined with the numbers of {other}, so every row is converted and the index is not used:"
    " {statement:code}.",
    zh="{column} 是 {type} 却与数字列 {other} 连接，每一行都要转换，索引无法使用：{statement:code}。",
)
_CONVERTS = Say(
    en="{column} is {type} and compared with a number, so every row is converted and the index is not used:"
    " {statement:code}.",
    zh="{column} 是 {type} 却与数字比较，每一行都要转换，索引无法使用：{statement:code}。",
)


_AS_TEXT = Say(
    en="{column} is {type} and searched by LIKE, so every row is converted to text and no index is used:"
    " {statement:code}.",
    zh="{column} 是 {type} 却用 LIKE 查询，每一行都要转换为文本，索引无法使用：{statement:code}。",
)


class Cast(NamedTuple):
    table: Table
    column: str
    column_type: str
    is_seen: bool
    other: str | None = None
    """The column of numbers that it is joined with; None: it is compared with a value."""
    as_text: bool = False
    """It is a time or a number, and a pattern is looked for in its text."""


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(LargeTableColumn)
    told: set[str] = set()
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for cast in (*casts(statement, now), *joined_casts(statement, now), *text_casts(statement, now)):
            name = f"{table_name(cast.table.schema, cast.table.name)}({quote_identifier(cast.column)})"
            if cast.table.rows >= limits["min_rows"] and name not in told:
                told.add(name)
                yield statement_finding(
                    CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                    (_AS_TEXT if cast.as_text else _JOINS if cast.other else _CONVERTS)(
                        column=name, type=cast.column_type, statement=statement.text, other=cast.other
                    ),
                    target=name, column=cast.column, column_type=cast.column_type, is_seen=cast.is_seen,
                    schema=cast.table.schema, table=cast.table.name, other=cast.other, as_text=cast.as_text,
                    has_plain_index=cast.table.leads(cast.column),
                )  # fmt: skip


def casts(statement: HotStatement, now: Snapshot) -> Iterator[Cast]:
    """Indexed text columns that the statement compares with numbers, as far as the text or the counters show."""
    for compared in comparisons(statement.sql):
        table = indexed(statement, now, compared)
        if table is None or compared.kind != "equal" or not (compared.is_number or compared.hidden):
            continue
        column = table.columns[compared.column.lower()]
        if column.data_type.lower() not in _TEXT_TYPES:
            continue
        if reads_whole(statement, table, now, values_known=not compared.hidden) and (
            compared.is_number or _never_uses_an_index(statement)
        ):
            yield Cast(table, column.column_name, column.column_type, compared.is_number)


def text_casts(statement: HotStatement, now: Snapshot) -> Iterator[Cast]:
    """Columns of times and numbers in which LIKE looks for a pattern: whatever it is, no index serves it."""
    for compared in comparisons(statement.sql):
        table = table_of(now, statement, compared.relation) if compared.kind == "like" else None
        column = table.columns.get(compared.column.lower()) if table is not None else None
        if table is None or column is None or column.data_type.lower() not in (*_TIME_TYPES, *_NUMBER_TYPES):
            continue
        if reads_whole(statement, table, now, values_known=True):
            yield Cast(table, column.column_name, column.column_type, True, as_text=True)


def joined_casts(statement: HotStatement, now: Snapshot) -> Iterator[Cast]:
    """Indexed text columns that are joined with a column of numbers, where the plan or the counters say that their
    table is read whole for it."""
    tree = parse_statement(in_lower_case(statement.sql), "mysql")
    for scope in scopes(tree, "mysql") if tree is not None else ():
        tables = {each.alias: table_of(now, statement, each.name) for each in scope.relations}
        for predicate in scope.predicates:
            alias, _, column = str(predicate.other).partition(".")
            mine, other = tables.get(predicate.alias), tables.get(alias)
            if predicate.kind != "join" or predicate.expression is not None or mine is None or other is None:
                continue
            text, number = mine.columns.get(predicate.column), other.columns.get(column)
            if text is None or number is None or not mine.leads(predicate.column):
                continue
            is_mixed = text.data_type.lower() in _TEXT_TYPES and number.data_type.lower() in _NUMBER_TYPES
            if is_mixed and _reads_whole_for_join(statement, mine, now):
                named = f"{table_name(other.schema, other.name)}({quote_identifier(number.column_name)})"
                yield Cast(mine, text.column_name, text.column_type, True, named)


def _reads_whole_for_join(statement: HotStatement, table: Table, now: Snapshot) -> bool:
    plan = plan_of(statement, now)
    if plan is not None:
        return any(node.access in ("ALL", "index") or node.buffered for node in accesses_of(plan, table.name))
    return statement.examined is not None and statement.examined >= table.rows / 2


def _never_uses_an_index(statement: HotStatement) -> bool:
    """An equality with text would have used the index: so what is compared is no text."""
    one_table = len(statement.shape.tables) == 1
    others = [each for each in comparisons(statement.sql) if each.kind == "like"]
    missed = max(statement.no_index_calls, statement.scans)
    return one_table and not others and statement.calls is not None and missed >= 0.9 * statement.calls
