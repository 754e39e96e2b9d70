"""New connections per second, and how many of them needed a new thread.

Why it matters: each connection costs a handshake, a login and, without a cached thread, the start of one: time on both
sides that a pool saves.
How to fix: a connection pool in the application, or ProxySQL in front; thread_cache_size at its default.
Cannot see: which client it is, since such sessions are gone before one can look.
Source: MySQL manual, Connections, Threads_created, thread_cache_size. A login costs some 0.3 ms of CPU over a socket
and 1 ms or more with TLS, hence the rates, which are those of the same check on PostgreSQL.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured, number, uptime_seconds
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.connection_churn",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Connection churn", "频繁新建连接"),
    thresholds=[
        Threshold("look_again_per_second", 2.0, "average since the start that is worth a second look"),
        Threshold("notice_per_second", 10.0, "a pool of ten would serve these for ever"),
        Threshold("warning_per_second", 40.0, "some percent of a core go into logins"),
        Threshold("min_connections", 100, "a few connections after a start are no rate"),
        Threshold("min_new_thread_share", 0.5, "half of the connections started a thread: the cache is too small"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{rate:number} new connections a second; {share:percent} of all since the start needed a new thread"
    " (thread_cache_size is {cache:count}).",
    "每秒新建 {rate:number} 个连接；启动以来 {share:percent} 需要新建线程（thread_cache_size 为 {cache:count}）。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    total, started = counter(now, "Connections") or 0.0, counter(now, "Threads_created") or 0.0
    if total < limits["min_connections"]:
        return
    average, share = total / max(1.0, uptime_seconds(now)), started / total
    window = in_window(now, earlier, "Connections")
    rate = average if window is None or earlier is None else window / max(0.001, now.seconds_since(earlier))
    cache = number(now, "thread_cache_size")
    no_cache = share >= limits["min_new_thread_share"] and average >= limits["look_again_per_second"]
    first_look = window is None and average >= limits["look_again_per_second"]
    if rate < limits["notice_per_second"] and not no_cache and not first_look:
        return
    yield Finding(
        CHECK.id, CHECK.item, _severity(rate, limits, no_cache=no_cache), "server", "server",
        _MESSAGE(rate=rate, share=share, cache=cache),
        measured(
            StatusCounter,
            new_connections_per_second=(round(rate, 1), "per second"),
            average_since_start=(round(average, 2), "per second"),
            connections=(total, "count"),
            threads_started=(started, "count"),
        )
        + measured(Variable, thread_cache_size=(cache, "count")),
        details={
            "rate": rate, "average": average, "share": share, "cache": cache, "measured": window is not None,
            "no_cache": share >= limits["min_new_thread_share"],
        },
    )  # fmt: skip


def _severity(rate: float, limits: Limits, *, no_cache: bool) -> Severity:
    if rate >= limits["warning_per_second"]:
        return Severity.WARNING
    return Severity.NOTICE if rate >= limits["notice_per_second"] or no_cache else Severity.INFO
