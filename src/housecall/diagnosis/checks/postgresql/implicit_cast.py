"""Hot statements whose comparison makes the server convert a column, row by row.

Why it matters: a bigint column compared with a numeric value is converted to numeric for every row, and its index is
not used.
How to fix: pass the parameter in the column's type, or cast the parameter, not the column.
Cannot see: the types of parameters in normalised text; casts that are written out, and what the plan shows.
Source: PostgreSQL manual, "Operator Type Resolution".
"""

from collections.abc import Iterator

from housecall.advisor.plan_review import wrapped_columns
from housecall.advisor.shape import statement_shape
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import live_rows_of, severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import (
    HotStatement,
    column_types,
    hot_statements,
    is_hot,
    plan_of,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.tables import PartitionedTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.implicit_cast",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Comparison converts the column", zh="比较时对列做了隐式转换"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.002, "mean time of a run: below it the table is small"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("min_rows", 10_000, "a smaller table is read in under a few milliseconds"),
    ],
    needs_window=True,
)
_CONVERTS = Say(
    en="{column} ({type}) is converted to {to} for every row, so its index is not used: {statement:code}.",
    zh="{column}（{type}）的每一行都被转换为 {to}，其索引无法使用：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    types = column_types(now)
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for relation, column, target in conversions(statement, now, types)[:1]:
            if live_rows_of(now, relation) >= limits["min_rows"]:
                column_type = types.get(relation, {}).get(column, "?")
                relation = _whole_of(relation, now)
                yield statement_finding(
                    CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["min_seconds"]),
                    _CONVERTS(column=f"{relation}.{column}", type=column_type, to=target, statement=statement.text),
                    relation=relation, column=column, column_type=column_type, converted_to=target,
                )  # fmt: skip


def _whole_of(relation: str, now: Snapshot) -> str:
    """The partitioned table that statements name, where a plan names a part of it."""
    rows = now.get(PartitionedTable)
    whole = (row.table_name for row in (() if isinstance(rows, Unavailable) else rows) if relation in row.names)
    return next(whole, relation)


def conversions(statement: HotStatement, now: Snapshot, types: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
    """Table, column and the type that the column is converted to, by the text and by the plan."""
    text = statement.example or statement.query
    found = [
        (each.relation, each.column, each.compared_with)
        for each in statement_shape(text, "postgresql", types).implicit_casts
    ]
    plan = plan_of(statement, now)
    written = {(each.relation, each.column) for each in statement.shape.wrapped}
    for seen in wrapped_columns(plan) if plan else ():
        place = (seen.node.relation or "", seen.column.column)
        if seen.column.wrapped_by.startswith("cast to ") and place not in written:
            found.append((*place, seen.column.wrapped_by.removeprefix("cast to ")))
    return list(dict.fromkeys(found))
