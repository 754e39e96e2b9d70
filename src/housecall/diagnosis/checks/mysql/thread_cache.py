"""No cache for the threads of sessions that ended.

Why it matters: each new connection then starts a thread of its own, which costs some tenths of a millisecond.
How to fix: thread_cache_size back to its default; a pool in the application makes it matter less.
Source: MySQL manual, thread_cache_size (default 8 + max_connections / 100); see also MySQLTuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import number, pace, settings
from housecall.diagnosis.checks.mysql._measured import variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.thread_cache",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say(en="No cache for threads", zh="线程缓存未启用或过小"),
    thresholds=[
        Threshold("miss_share", 0.5, "common practice: half of the connections started a thread"),
        Threshold("notice_per_second", 5.0, "threads started; fewer cost nothing that one could measure"),
        Threshold("least_total", 1000, "threads started in all"),
    ],
    needs_window=True,
)
_STARTS = Say(
    en="{created:count} threads were started for {connections:count} connections: thread_cache_size is {size:count}.",
    zh="{connections:count} 个连接新建了 {created:count} 个线程：thread_cache_size 为 {size:count}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    created, connections = pace(now, earlier, "Threads_created"), pace(now, earlier, "Connections")
    size = number(now, "thread_cache_size")
    if size is None or variable(now, "thread_handling") == "pool-of-threads":
        return
    many = created.total >= limits["least_total"] and created.current >= limits["notice_per_second"]
    if many and created.total >= limits["miss_share"] * connections.total:
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "thread_cache_size", "setting",
            _STARTS(created=created.total, connections=connections.total, size=size),
            created.evidence("threads_started") + connections.evidence("connections")
            + settings(now, thread_cache_size="count"),
            details={"size": size},
        )  # fmt: skip
