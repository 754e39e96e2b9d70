"""Columns that hot statements compare and of whose values no statistics are gathered.

Why it matters: with SET STATISTICS 0 ANALYZE leaves the column out. The planner then takes every value for equally rare
(half a percent of the rows), and loops over what are nearly all rows, or scans for a handful.
How to fix: let ANALYZE look at the column again (SET STATISTICS -1), then ANALYZE it.
Cannot see: whether another plan would be better; that shows when the statistics are there.
Source: PostgreSQL manual, ALTER TABLE, "SET STATISTICS"; "Row Estimation Examples" (default of 200 distinct values).
"""

from collections.abc import Iterator

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import table_name
from housecall.diagnosis.checks.postgresql._shapes import live_rows_of, severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_hot, plan_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import HotColumn
from housecall.wording import Say

CHECK = Check(
    id="postgresql.column_statistics",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("Columns without statistics", "没有统计信息的列"),
    thresholds=[
        Threshold("min_rows", 10_000, "on smaller tables every plan is good enough"),
        Threshold("min_share", 0.05, "of all statement time; below it, nobody would notice the change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run; a faster one hurts nobody yet"),
    ],
    needs_window=True,
)
_BLIND = Say(
    "{statement:code} compares {column} of {table}, whose values ANALYZE is told to leave out: the planner guesses how"
    " many of {rows:count} rows come.",
    "{statement:code} 比较 {table} 的 {column}，而该列被设置为不收集统计信息：优化器只能猜测 {rows:count} 行中会返回"
    "多少。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    blind = {(row.table_name, row.column_name): row for row in now.rows(HotColumn) if row.without_statistics}
    for statement in hot_statements(now, earlier) if blind else []:
        if is_hot(statement, limits["min_share"], 0.0):
            for place in _compared(statement) & blind.keys():
                row = blind.pop(place)  # the costliest statement tells it
                if live_rows_of(now, row.table_name) >= limits["min_rows"]:
                    yield _finding(statement, row, now, limits)


def _compared(statement: HotStatement) -> set[tuple[str, str]]:
    """Tables and columns in the statement's conditions."""
    tree = parse_statement(statement.example or statement.query, "postgresql")
    found = set()
    for scope in scopes(tree, "postgresql") if tree is not None else ():
        names = {each.alias: each.name for each in scope.relations}
        found |= {(names.get(each.alias, each.alias), each.column) for each in scope.predicates}
    return found


def _finding(statement: HotStatement, row: HotColumn, now: Snapshot, limits: Limits) -> Finding:
    table, rows = table_name(row.schema_name, row.table_name), live_rows_of(now, row.table_name)
    plan = plan_of(statement, now)
    nodes = [node for node in plan.root.walk() if node.relation == row.table_name] if plan else []
    expected = max((node.estimated_rows or 0.0 for node in nodes), default=None)
    return statement_finding(
        CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
        _BLIND(statement=statement.text, column=row.column_name, table=table, rows=rows),
        schema=row.schema_name, table=row.table_name, column=row.column_name, live_rows=rows, expected=expected,
    )  # fmt: skip
