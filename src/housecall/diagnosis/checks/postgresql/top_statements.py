"""The statements that take most of the database's time.

Why it matters: a handful of statements usually takes most of the time; what helps them helps the whole server.
How to fix: the causes say what to do about each; a statement that is merely busy needs no fix.
Cannot see: without pg_stat_statements only statements seen running at a few moments, with no counts and times.
Source: PostgreSQL manual, "pg_stat_statements". PgHero's marks for slow: 20 ms on average over 100 calls.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._statements import (
    HotStatement,
    counted_seconds,
    hidden_statements,
    hot_statements,
    tables_of,
)
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant, not_evaluated
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.statements import TopStatement
from housecall.wording import Say, Value

CHECK = Check(
    id="postgresql.top_statements",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Costliest statements", zh="开销最大的语句"),
    thresholds=[
        Threshold("min_share", 0.05, "of the time of all statements, as postgres-mcp counts the top ones"),
        Threshold("slow_seconds", 0.02, "PgHero's mark for a slow statement"),
        Threshold("slow_calls", 100, "PgHero's mark: fewer calls are not a pattern"),
        Threshold("most", 10, "findings a person still reads"),
    ],
    needs_window=True,
)
_COUNTED = Say(
    en="{share:percent} of all statement time, {calls:count} call{calls:|s} of {mean:duration} on"
    " average: {statement:code}.",
    zh="占全部语句耗时的 {share:percent}，调用 {calls:count} 次，平均 {mean:duration}：{statement:code}。",
)
_SEEN = Say(
    en="Seen running at {moments} moment{moments:|s}, {share:percent} of all running statements: {statement:code}.",
    zh="在 {moments} 个采样时刻看到它在运行，占运行中语句的 {share:percent}：{statement:code}。",
)

_HIDDEN = Say(
    "role '{user}' may not see the statements of others in pg_stat_statements",
    "角色 '{user}' 看不到 pg_stat_statements 中其他用户的语句",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    hot = [each for each in hot_statements(now, earlier) if each.share >= limits["min_share"]]
    for statement in hot[: int(limits["most"])]:
        yield _finding(statement, now, limits)
    missing = why_not_counted(now)
    if missing is not None:
        yield missing


def why_not_counted(now: Snapshot, check: str = CHECK.id) -> NotEvaluated | None:
    """What is missing to know the counts of statements, and how to get it; None when they are known."""
    if hidden_statements(now):
        return NotEvaluated(check, _HIDDEN(user=now.facts.user), grant("pg_monitor", now))
    rows = now.get(TopStatement)
    return not_evaluated(check, rows, now) if isinstance(rows, Unavailable) else None


def _finding(statement: HotStatement, now: Snapshot, limits: Limits) -> Finding:
    is_slow = (
        statement.mean_seconds is not None
        and statement.mean_seconds >= limits["slow_seconds"]
        and (statement.calls or 0) >= limits["slow_calls"]
    )
    values: dict[str, tuple[Value, str]] = {
        "share": (round(statement.share, 4), "share"),
        "statement": (statement.query[:500], "text"),
    }
    if statement.calls is None:
        message = _SEEN(moments=statement.moments, share=statement.share, statement=statement.text)
        evidence = measured(
            statement.reading, **values, moments_seen=(statement.moments, "count"),
            longest_seen=(round(statement.seconds, 3), "seconds"),
        )  # fmt: skip
    else:
        message = _COUNTED(
            share=statement.share, calls=statement.calls, mean=statement.mean_seconds, statement=statement.text
        )
        evidence = measured(
            statement.reading, **values,
            calls=(statement.calls, "count"),
            total_time=(round(statement.seconds, 3), "seconds"),
            mean_time=(statement.mean_seconds, "seconds"),
            rows_per_call=(round(statement.rows_per_call or 0.0, 1), "number"),
            blocks_per_call=(round(statement.blocks_per_call or 0.0, 1), "number"),
            temporary_bytes=(statement.temp_bytes, "bytes"),
            calls_in_window=(statement.calls_in_window, "count"),
            counted_for=(round(counted_seconds(now)), "seconds"),
        )  # fmt: skip
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE if is_slow else Severity.INFO, statement.text, "statement", message,
        evidence,
        details={
            "query": statement.query, "text": statement.text,
            "identity": statement.identity, "kind": statement.kind, "share": statement.share,
            "tables": tables_of(statement, now), "calls": statement.calls, "mean_seconds": statement.mean_seconds,
            "temp_bytes": statement.temp_bytes, "is_over": statement.is_over, "jit_seconds": statement.jit_seconds,
            "understood": statement.shape.understood, "blocks_per_call": statement.blocks_per_call,
        },
        identity=statement.identity,
    )  # fmt: skip
