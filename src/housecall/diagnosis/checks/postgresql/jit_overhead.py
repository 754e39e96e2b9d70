"""Statements that spend a large part of their time on just-in-time compilation.

Why it matters: compilation takes tens to hundreds of milliseconds; it pays for long analytic queries only.
How to fix: raise jit_above_cost, or switch jit off for the application's role or database.
Cannot see: before version 15 of the server (pg_stat_statements 1.10) the compile times are not counted.
Source: PostgreSQL manual, "Just-in-Time Compilation", When to JIT?
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import statement_finding
from housecall.diagnosis.checks.postgresql._statements import hot_statements, is_rare
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.jit_overhead",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Compilation costs more than it saves", zh="JIT 编译开销过大"),
    thresholds=[
        Threshold("min_jit_share", 0.3, "of the statement's time; with a third spent on compiling little can be saved"),
        Threshold("min_share", 0.05, "of all statement time: less is not worth a change"),
        Threshold("min_jit_seconds", 0.5, "compile time altogether, so that a single cold run does not count"),
    ],
    needs_window=True,
)
_COMPILES = Say(
    en="{share:percent} of its time goes into compilation ({jit:duration} in {calls:count}"
    " call{calls:|s}): {statement:code}.",
    zh="{share:percent} 的时间花在 JIT 编译上（{calls:count} 次调用共 {jit:duration}）：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        jit_share = statement.jit_seconds / statement.seconds if statement.seconds > 0 else 0.0
        if (
            jit_share >= limits["min_jit_share"]
            and statement.share >= limits["min_share"]
            and statement.jit_seconds >= limits["min_jit_seconds"]
            and not is_rare(statement)
        ):
            yield statement_finding(
                CHECK, statement, now, Severity.WARNING,
                _COMPILES(share=jit_share, jit=statement.jit_seconds, calls=statement.calls, statement=statement.text),
                jit_seconds=statement.jit_seconds, jit_share=jit_share,
            )  # fmt: skip
