"""Hot statements with a subquery that runs once for each row of the outer query.

Why it matters: a scalar subquery that refers to the outer row is a loop; a thousand rows are a thousand lookups, or
scans.
How to fix: a join with GROUP BY (or LATERAL), and an index on the column that the subquery compares.
Not named: EXISTS and IN, which the planner turns into joins.
Cannot see: how many rows the outer query has, beyond what it returns.
Source: PostgreSQL manual, "Scalar Subqueries".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import hot_statements, is_hot
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.correlated_subquery",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Subquery that runs for every row", zh="逐行执行的相关子查询"),
    thresholds=[
        Threshold("min_share", 0.05, "of all statement time: less is not worth a rewrite"),
        Threshold("min_seconds", 0.02, "PgHero's mark for slow: a loop over few rows with an index is quick"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
    ],
    needs_window=True,
)
_LOOPS = Say(
    en="The subquery on {inner} runs for each row of the outer query (by {columns}): {statement:code}.",
    zh="对 {inner} 的子查询按外层的每一行（通过 {columns}）各执行一次：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for found in [each for each in statement.shape.correlated if not each.flattens and each.tables][:1]:
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["min_seconds"]),
                _LOOPS(inner=", ".join(found.tables), columns=", ".join(found.columns), statement=statement.text),
                inner=list(found.tables), outer_columns=list(found.columns),
            )  # fmt: skip
