"""Hot statements whose filter wraps a column in a function, so that an index on the column cannot serve.

Why it matters: the function is computed for every row of the table.
How to fix: let the column stand bare (a range in place of DATE(column)), or index the expression: MySQL 8.0.13 and
newer have functional key parts, MariaDB an index on a generated column.
Source: MySQL manual, "Functional Key Parts"; MariaDB Knowledge Base, "Generated Columns".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._index_candidates import reads_too_much
from housecall.diagnosis.checks.mysql._measured import table_name
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
    id="mysql.function_on_column",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Filter by a function of a column", zh="过滤条件对列使用函数"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.0005, "mean time of a run; a search through an index takes less"),
        Threshold("min_rows", 1_000, "smaller tables are read in a moment"),
        Threshold("warning_share", 0.05, "of all statement time: a twentieth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.002, "mean time of a search that people wait for"),
    ],
    needs_window=True,
)
_WRAPS = Say(
    en="{statement:code} filters by {expression}, which an index on {column} cannot serve: every row is read and"
    " computed.",
    zh="{statement:code} 按 {expression} 过滤，列 {column} 上的索引用不上，只能逐行读取并计算。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(LargeTableColumn)
    told: set[str] = set()
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]) or not is_in_vain(statement):
            continue
        for wrapped in statement.shape.wrapped:
            table = table_of(now, statement, wrapped.relation)
            if table is None or table.rows < limits["min_rows"] or wrapped.column.lower() not in table.columns:
                continue
            if _is_own_collation(wrapped.expression, table.columns[wrapped.column.lower()].collation):
                continue
            column = table.spelt(wrapped.column)
            name = f"{table_name(table.schema, table.name)}({quote_identifier(column)})"
            if name not in told and not _served(statement, table, now):
                told.add(name)
                yield statement_finding(
                    CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                    _WRAPS(statement=statement.text, expression=wrapped.expression, column=column),
                    target=name, schema=table.schema, table=table.name, column=column, expression=wrapped.expression,
                    function=wrapped.wrapped_by, column_type=table.columns[column.lower()].column_type,
                    has_plain_index=table.leads(column), seen_in_plan=plan_of(statement, now) is not None,
                )  # fmt: skip


def _is_own_collation(expression: str, collation: str | None) -> bool:
    """`code COLLATE utf8mb4_bin` of a column that has this collation changes nothing for its index."""
    words = expression.replace("`", "").lower().split()
    return collation is not None and words[-2:] == ["collate", collation.lower()]


def is_in_vain(statement: HotStatement) -> bool:
    """Whether rows are looked at in vain. A range that is written as a function may return a part of the table."""
    return reads_too_much(statement)


def _served(statement: HotStatement, table: Table, now: Snapshot) -> bool:
    """Whether the plan reaches the table by an index all the same, through another condition."""
    plan = plan_of(statement, now)
    nodes = accesses_of(plan, table.name) if plan is not None else []
    return bool(nodes) and all(
        node.access not in ("ALL", "index") and (node.estimated_rows_read or 0.0) < table.rows / 10 for node in nodes
    )
