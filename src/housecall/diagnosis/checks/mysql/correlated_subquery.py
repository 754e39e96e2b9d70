"""Hot statements with a subquery that runs once for each row of the outer query.

Why it matters: a scalar subquery that refers to the outer row (DEPENDENT SUBQUERY) is a loop; a thousand rows are a
thousand lookups, or scans.
How to fix: a join with GROUP BY (or LATERAL on MySQL), and an index on the column that the subquery compares.
Not named: EXISTS and IN, which the optimizer turns into semijoins.
Source: MySQL manual, "Optimizing Subqueries, Derived Tables, View References, and Common Table Expressions".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, is_hot, plan_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.correlated_subquery",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Subquery that runs for every row", zh="逐行执行的相关子查询"),
    thresholds=[
        Threshold("min_share", 0.05, "of all statement time: less is not worth a rewrite"),
        Threshold("min_seconds", 0.005, "a loop over few rows with an index is quick"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.02, "PgHero's mark for a slow statement"),
        Threshold("min_examined_for_one", 20, "rows looked at for each returned: fewer is a lookup by a key"),
    ],
    needs_window=True,
)
_LOOPS = Say(
    en="The subquery on {inner} runs for each row of the outer query (by {columns}): {statement:code}.",
    zh="对 {inner} 的子查询按外层的每一行（通过 {columns}）各执行一次：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]) or not loops(statement, now, limits):
            continue
        for found in [each for each in statement.shape.correlated if not each.flattens and each.tables][:1]:
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _LOOPS(inner=", ".join(found.tables), columns=", ".join(found.columns), statement=statement.text),
                inner=list(found.tables), outer_columns=list(found.columns),
            )  # fmt: skip


def loops(statement: HotStatement, now: Snapshot, limits: Limits) -> bool:
    """Whether it costs as a loop does: rows looked at in vain, or a plan that says so."""
    if statement.examined is not None:
        return (statement.examined_for_one or 0.0) >= limits["min_examined_for_one"]
    plan = plan_of(statement, now)
    return plan is None or any(node.dependent for node in plan.root.walk())
