"""Hot statements that read a table from end to end for a few rows, with an equality that an index could serve.

Why it matters: each call reads the whole table through the buffer pool and keeps a core busy; with the table it gets
slower.
How to fix: create the index named here; on InnoDB that is built in place while rows are read and written.
Needs: performance_schema for what the statements examined, and their plans.
Source: MySQL manual, "Statement Digest Summary Tables" and "Avoiding Full Table Scans".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.explainable import schema_and_statement, with_values
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.indexes import LargeTableIndex
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="mysql.missing_index",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Hot statements without an index", zh="缺少索引的热点语句"),
    thresholds=[
        Threshold("min_examined_a_call", 1000, "a table of a few pages is read faster whole than through an index"),
        Threshold("min_examined_for_one_row", 100, "the ratio from which pt-query-digest's readers look for an index"),
        Threshold("min_calls", 5, "what ran less often is somebody's report and not the load"),
        Threshold("warning_share", 0.05, "below a twentieth of the time the index is hygiene"),
    ],
)
_SCANS = Say(
    en="{column} has no index: a statement called {calls:count} times reads {examined:count} rows a call and returns"
    " {sent:number} ({share:percent} of all time)",
    zh="{column} 缺少索引：某语句执行 {calls:count} 次，每次读取 {examined:count} 行、返回 {sent:number} 行"
    "（占总耗时 {share:percent}）",
)


@dataclass(frozen=True, slots=True)
class ScannedTable:
    """A table that a plan reads whole: its name in the statement, its rows, the condition that it is read for."""

    alias: str
    rows: float
    condition: str


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    leading = {
        (row.schema_name, row.table_name, row.columns[0].lower())
        for row in now.rows(LargeTableIndex)
        if row.columns and row.index_type == "BTREE"
    }
    told: set[str] = set()
    for row in now.rows(TopStatement):
        plan = now.plan_of(row.explainable)
        if plan is None or not is_suspicious(row, limits):
            continue
        for schema, table, column in searched_columns(row, plan):
            finding = _finding(row, schema, table, column, limits)
            if (schema, table, column.lower()) not in leading and finding.object not in told:
                told.add(finding.object)
                yield finding


def is_suspicious(row: TopStatement, limits: Limits) -> bool:
    useful = max(1, row.rows_sent + row.rows_affected)
    return (
        row.calls >= limits["min_calls"]
        and row.rows_examined / row.calls >= limits["min_examined_a_call"]
        and row.rows_examined / useful >= limits["min_examined_for_one_row"]
    )


def searched_columns(row: TopStatement, plan: Any) -> Iterator[tuple[str, str, str]]:
    """Schema, table and column of each equality that a table is scanned for."""
    schema, text = schema_and_statement(row.explainable)
    try:
        tree = sqlglot.parse_one(with_values(text), read="mysql")
    except SqlglotError:
        return
    tables = {(table.alias or table.name).lower(): table for table in tree.find_all(exp.Table)}
    for scanned in scanned_tables(plan):
        table = tables.get(scanned.alias.lower())
        column = _equal_column(scanned)
        home = (table.db if table is not None else "") or schema
        if table is not None and column and home:
            yield home, table.name, column


def scanned_tables(plan: Any) -> Iterator[ScannedTable]:
    """Every table with access type ALL and a condition, wherever it stands in the plan of MySQL or MariaDB."""
    if isinstance(plan, list):
        for each in plan:
            yield from scanned_tables(each)
    if not isinstance(plan, Mapping):
        return
    condition = plan.get("attached_condition")
    if plan.get("access_type") == "ALL" and isinstance(condition, str) and "table_name" in plan:
        rows = plan.get("rows_examined_per_scan", plan.get("rows", 0))
        yield ScannedTable(str(plan["table_name"]), float(rows or 0), condition)
    for value in plan.values():
        yield from scanned_tables(value)


def _equal_column(scanned: ScannedTable) -> str | None:
    """The first column of the table that is compared for equality with something that is not its own."""
    try:
        condition = sqlglot.parse_one(scanned.condition, read="mysql")
    except SqlglotError:
        return None
    for equality in condition.find_all(exp.EQ, exp.NullSafeEQ):
        for side, other in ((equality.left, equality.right), (equality.right, equality.left)):
            same = isinstance(other, exp.Column) and other.table.lower() == scanned.alias.lower()
            if isinstance(side, exp.Column) and side.table.lower() in ("", scanned.alias.lower()) and not same:
                return side.name
    return None


def _finding(row: TopStatement, schema: str, table: str, column: str, limits: Limits) -> Finding:
    name = f"{table_name(schema, table)}({quote_identifier(column)})"
    share = row.total_seconds / row.all_seconds if row.all_seconds else 0.0
    examined, sent = row.rows_examined / row.calls, row.rows_sent / row.calls
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if share >= limits["warning_share"] else Severity.NOTICE, name, "column",
        _SCANS(column=name, calls=row.calls, examined=examined, sent=sent, share=share),
        measured(
            TopStatement,
            calls=(row.calls, "count"),
            rows_examined_a_call=(round(examined, 1), "count"),
            rows_sent_a_call=(round(sent, 1), "count"),
            mean_time=(row.total_seconds / row.calls, "seconds"),
            share_of_time=(share, "share"),
            calls_without_index=(row.no_index_used, "count"),
            statement=(row.query[:500], "text"),
        ),
        details={
            "schema": schema, "table": table, "column": column, "share": share, "calls": row.calls,
            "examined": examined, "sent": sent, "statement": row.query, "explainable": row.explainable,
        },
    )  # fmt: skip
