"""Hot statements whose sorts do not fit into the sort buffer and are merged from files.

Why it matters: each merge pass writes and reads the rows again.
How to fix: an index in the order of the sort, fewer or narrower rows, or a larger buffer for that statement alone.
Source: MySQL manual, "ORDER BY Optimization": Sort_merge_passes.
"""

from collections.abc import Iterator

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="mysql.statement_sorts",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Statements that sort through files", zh="排序落盘的语句"),
    thresholds=[
        Threshold("min_passes", 1, "merge passes a call: none means that the sort stayed in memory"),
        Threshold("min_share", 0.05, "of all statement time: less is a report"),
        Threshold("min_calls", 5, "what ran less often is somebody's report and not the load"),
        Threshold("warning_share", 0.2, "of all statement time: a fifth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.05, "mean time of a run; a faster one hurts nobody yet"),
    ],
    needs_window=True,
)
_SORTS = Say(
    en="Each call sorts {rows:count} rows in {passes:number} merge passes through files: {statement:code}.",
    zh="每次调用排序 {rows:count} 行，经过 {passes:number} 轮文件归并：{statement:code}。",
)
_SORTS_CUT = Say(
    en="Each call sorts in {passes:number} merge passes through files, to give out {rows:count} rows:"
    " {statement:code}.",
    zh="每次调用的排序经过 {passes:number} 轮文件归并，最终只取 {rows:count} 行：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(TopStatement)
    for statement in hot_statements(now, earlier):
        calls = statement.calls or 0
        if calls < limits["min_calls"] or statement.share < limits["min_share"]:
            continue
        passes, rows = statement.sort_merge_passes / calls, statement.sort_rows / calls
        if passes >= limits["min_passes"]:
            is_cut = _has_limit(statement)
            message = _SORTS_CUT if is_cut else _SORTS
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                message(rows=rows, passes=passes, statement=statement.text), passes=passes, sort_rows=rows,
                is_cut=is_cut,
            )  # fmt: skip


def _has_limit(statement: HotStatement) -> bool:
    """The servers count the rows that leave a sort; with a LIMIT those are few, however many went in."""
    tree = parse_statement(statement.sql, "mysql")
    return tree is not None and any(each.has_limit for each in scopes(tree, "mysql"))
