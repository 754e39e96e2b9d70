"""Hot statements that page with a deep OFFSET.

Why it matters: LIMIT 280000, 20 reads and throws away 280,000 rows; page 1,000 costs a thousand times page 1.
How to fix: keyset pagination: remember the last row's key and ask for the rows after it.
Cannot see: the offset's value in a digest; many rows looked at for few returned give it away.
Source: MySQL manual, "LIMIT Query Optimization".
"""

from collections.abc import Iterator

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, is_hot
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.offset_pagination",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Paging with a deep OFFSET", zh="深分页（OFFSET 过大）"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.001, "mean time of a run: below it the offset is shallow"),
        Threshold("warning_share", 0.05, "of all statement time: a twentieth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a page that should take a fraction of a millisecond"),
        Threshold("min_examined", 1_000, "rows looked at for a page: a shallow page needs a few dozen"),
        Threshold("min_examined_for_one", 20, "rows looked at for each that is returned"),
        Threshold("max_rows", 1_000, "more rows than a page holds is an export, not paging"),
    ],
    needs_window=True,
)
_DEEP = Say(
    en="A page of {rows:count} row{rows:|s} looks at {examined:count}, because OFFSET reads what it skips:"
    " {statement:code}.",
    zh="每页返回 {rows:count} 行却要查看 {examined:count} 行，因为 OFFSET 要先读完被跳过的行：{statement:code}。",
)
_WRITTEN = Say(
    en="OFFSET {offset:count} reads and throws away that many rows for each page: {statement:code}.",
    zh="OFFSET {offset:count}：每取一页都要先读取并丢弃这么多行：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        offsets = statement.shape.offsets
        if not offsets or not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        written = max((each.rows or 0 for each in offsets), default=0)
        is_deep = any(each.deep for each in offsets)
        if statement.examined is None and is_deep:
            message = _WRITTEN(offset=written, statement=statement.text)
        elif is_page(statement, limits) and (is_deep or not has_filter(statement)):
            message = _DEEP(rows=statement.returned, examined=statement.examined, statement=statement.text)
        else:
            continue
        yield statement_finding(
            CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
            message, offset=written or None,
        )  # fmt: skip


def is_page(statement: HotStatement, limits: Limits) -> bool:
    """Whether a page of rows cost many times as many."""
    return (
        statement.examined is not None
        and statement.examined >= limits["min_examined"]
        and (statement.examined_for_one or 0.0) >= limits["min_examined_for_one"]
        and (statement.returned or 0.0) <= limits["max_rows"]
    )


def has_filter(statement: HotStatement) -> bool:
    """Whether a condition may be what rows are read in vain for: then only a written offset proves the paging."""
    tree = parse_statement(statement.sql, "mysql")
    return tree is None or any(scope.predicates for scope in scopes(tree, "mysql"))
