"""Columns that depend on each other, compared together by a hot statement.

Why it matters: the planner multiplies what the columns exclude one by one. Of a city and its postcode the second
excludes nothing more, so it expects one row where hundreds come, and loops where it should hash.
How to fix: extended statistics of the columns together, then ANALYZE.
Proof: a sample of the table's blocks: how often two rows agree in both columns, against what the columns alone let
one expect. Rows of one block are not compared, since neighbours resemble each other anyway.
Cannot see: tables that the role may not read; pairs of ranges; columns of different tables.
Source: PostgreSQL manual, "Extended Statistics"; a factor of 10 is common practice.
"""

from collections.abc import Iterator

from housecall.advisor.plan import Plan, PlanNode
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.checks.postgresql._shapes import live_rows_of, severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_rare, plan_of
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.statistics import ColumnDependence, ExtendedStatistics
from housecall.wording import Say

CHECK = Check(
    id="postgresql.correlated_columns",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("Columns that depend on each other", "列之间存在依赖"),
    thresholds=[
        Threshold("min_share", 0.05, "of all statement time; below it, nobody would notice the change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run; a faster one hurts nobody yet"),
        Threshold("min_factor", 10, "between what comes and what the planner expects; common practice"),
        Threshold("min_rows", 100, "that really come: a wrong estimate of few rows misleads nobody"),
        Threshold(
            "min_agreeing", 200, "pairs of sampled rows that agree in both, so that their number means something"
        ),
    ],
    needs_window=True,
)
_DEPEND = Say(
    "{statement:code} compares {first} and {second} of {table} together: they depend on each other, so about"
    " {real:count}"
    " rows come where the planner expects {expected:count}.",
    "{statement:code} 同时比较 {table} 的 {first} 和 {second}：两列存在依赖，实际约有 {real:count} 行，"
    "优化器却估计为 {expected:count} 行。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    rows = now.get(ColumnDependence)
    if isinstance(rows, Unavailable):
        from housecall.diagnosis.unavailable import not_evaluated

        yield not_evaluated(CHECK.id, rows, now)
        return
    dependent = [row for row in rows if _factor(row, limits) >= limits["min_factor"] and not _is_known(row, now)]
    for statement in hot_statements(now, earlier) if dependent else []:
        plan = plan_of(statement, now)
        if plan is None or statement.share < limits["min_share"] or is_rare(statement):
            continue
        for row in dependent:
            node = _node(plan, row)
            if node is not None:
                yield from _judged(statement, plan, node, row, now, limits)


def _is_known(row: ColumnDependence, now: Snapshot) -> bool:
    """Whether statistics of both columns together exist."""
    known = now.get(ExtendedStatistics)
    return any(
        {row.column_name, row.other_column} <= set(each.columns)
        for each in (() if isinstance(known, Unavailable) else known)
        if (each.schema_name, each.table_name) == (row.schema_name, row.table_name)
    )


def _factor(row: ColumnDependence, limits: Limits) -> float:
    """How many times more rows agree in both than independent columns would let: 1 when they are independent."""
    if row.agree_both < limits["min_agreeing"] or not row.agree_first or not row.agree_second:
        return 0.0
    return row.agree_both * row.pairs / (row.agree_first * row.agree_second)


def _node(plan: Plan, row: ColumnDependence) -> PlanNode | None:
    """The plan's scan that compares both columns."""
    for node in plan.root.walk():
        if node.relation == row.table_name:
            text = " ".join(
                each for part in node.walk() for each in (part.filter, part.index_condition) if each is not None
            )
            if row.column_name in text and row.other_column in text:
                return node
    return None


def _judged(
    statement: HotStatement, plan: Plan, node: PlanNode, row: ColumnDependence, now: Snapshot, limits: Limits
) -> Iterator[Finding]:
    real = row.agree_both / row.pairs * live_rows_of(now, row.table_name)
    expected = max(node.estimated_rows or 1.0, 1.0)
    if real < limits["min_rows"] or real < limits["min_factor"] * expected:
        return
    name = table_name(row.schema_name, row.table_name)
    is_joined = any(each.kind == "nested_loop" for each in plan.root.walk())
    severity = (
        severity_of(statement, limits["warning_share"], limits["warning_seconds"]) if is_joined else Severity.NOTICE
    )
    finding = statement_finding(
        CHECK, statement, now, severity,
        _DEPEND(
            statement=statement.text, first=row.column_name, second=row.other_column, table=name, real=real,
            expected=expected,
        ),
        schema=row.schema_name, table=row.table_name, columns=[row.column_name, row.other_column], real=real,
        expected=expected, factor=_factor(row, limits), is_joined=is_joined,
    )  # fmt: skip
    more = measured(
        ColumnDependence,
        sampled_rows=(row.sampled_rows, "count"),
        rows_expected_by_the_planner=(round(expected), "count"),
        rows_by_the_sample=(round(real), "count"),
        times_more_than_independent=(round(_factor(row, limits), 1), "number"),
    )
    yield Finding(
        finding.check, finding.item, finding.severity, finding.object, finding.object_kind, finding.message,
        finding.evidence + more, finding.details, f"{finding.identity} {row.column_name} {row.other_column}",
    )  # fmt: skip
