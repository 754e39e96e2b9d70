"""The statements that take most of the server's time.

Why it matters: a handful of statements usually takes most of the time; what helps them helps the whole server.
How to fix: the causes say what to do about each; a statement that is merely busy needs no fix.
Cannot see: without performance_schema (off by default on MariaDB) only statements seen running at a few moments.
Source: MySQL manual, "Statement Digest Summary Tables"; pt-query-digest's ranking by total time.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._shapes import statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, plan_of, why_not_counted
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CHECK = Check(
    id="mysql.top_statements",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Costliest statements", zh="开销最大的语句"),
    thresholds=[
        Threshold("min_share", 0.05, "of the time of all statements: pt-query-digest's top ones"),
        Threshold("slow_seconds", 0.02, "PgHero's mark for a slow statement"),
        Threshold("slow_calls", 100, "fewer calls are not a pattern"),
        Threshold("most", 10, "findings a person still reads"),
    ],
    needs_window=True,
)
READ_NO_TABLE = frozenset({"DO", "SET", "USE", "KILL", "BEGIN", "START", "COMMIT", "ROLLBACK"})
_COUNTED = Say(
    en="{share:percent} of all statement time, {calls:count} call{calls:|s} of {mean:duration} on"
    " average: {statement:code}.",
    zh="占全部语句耗时的 {share:percent}，调用 {calls:count} 次，平均 {mean:duration}：{statement:code}。",
)
_COUNTED_NOW = Say(
    en="{share:percent} of all statement time while we looked, {calls:count} call{calls:|s} of {mean:duration} on"
    " average, far more than before: {statement:code}.",
    zh="占本次观察期内全部语句耗时的 {share:percent}，调用 {calls:count} 次，平均 {mean:duration}，远高于以往："
    "{statement:code}。",
)
_SEEN = Say(
    en="Seen running at {moments} moment{moments:|s}, {share:percent} of all running statements: {statement:code}.",
    zh="在 {moments} 个采样时刻看到它在运行，占运行中语句的 {share:percent}：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    hot = [each for each in hot_statements(now, earlier) if each.share >= limits["min_share"]]
    for statement in hot[: int(limits["most"])]:
        is_slow = (statement.mean_seconds or 0.0) >= limits["slow_seconds"]
        is_often = (statement.calls or 0) >= limits["slow_calls"] or statement.of_window
        severity = Severity.NOTICE if is_slow and is_often else Severity.INFO
        yield statement_finding(
            CHECK, statement, now, severity, _message(statement), sort_merge_passes=statement.sort_merge_passes,
            tmp_disk_tables=statement.tmp_disk_tables, tmp_tables=statement.tmp_tables, kind=statement.kind,
            reads_whole=_reads_whole(statement, now),
        )  # fmt: skip
    missing = why_not_counted(now, CHECK.id)
    if missing is not None:
        yield missing


def _reads_whole(statement: HotStatement, now: Snapshot) -> bool | None:
    """Whether it reads a table from end to end; None: it may, and no plan was seen."""
    plan = plan_of(statement, now)
    if plan is not None:
        return any(node.access in ("ALL", "index") for node in plan.root.walk())
    names_no_table = statement.shape.understood and not statement.shape.tables
    adds_rows = statement.kind in ("INSERT", "REPLACE") and "select" not in statement.query.lower()
    return False if names_no_table or adds_rows or statement.kind in READ_NO_TABLE else None


def _message(statement: HotStatement) -> Message:
    if statement.calls is None:
        return _SEEN(moments=statement.moments, share=statement.share, statement=statement.text)
    say = _COUNTED_NOW if statement.of_window else _COUNTED
    return say(share=statement.share, calls=statement.calls, mean=statement.mean_seconds, statement=statement.text)
