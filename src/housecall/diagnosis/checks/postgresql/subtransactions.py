"""Transactions with more than 64 subtransactions, and the cache that everybody then has to ask.

Why it matters: past 64 a session's list overflows; every other session must look each row's transaction up in a small
cache, and under load the whole server slows down, standbys first.
How to fix: fewer savepoints in one transaction: no BEGIN ... EXCEPTION block inside a long loop, no savepoint per
statement in a driver.
Cannot see: which session, before version 16; there only the cache and the waits on it tell.
Source: PostgreSQL source, PGPROC_MAX_CACHED_SUBXIDS (64); manual, "pg_stat_slru" and "Wait Events" (SubtransSLRU).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import one_line
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.transactions import Subtransactions
from housecall.wording import Say

CHECK = Check(
    id="postgresql.subtransactions",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say("Subtransaction overflow", "子事务溢出"),
    thresholds=[
        Threshold("look_ups_per_second", 1000.0, "a server without overflow asks this cache next to never"),
        Threshold("waiting_share", 0.1, "a tenth of the looks at active sessions found them waiting for the cache"),
    ],
    needs_window=True,
)

_SESSIONS = Say(
    "{sessions:count} session{sessions:|s} {sessions:has|have} more than 64 subtransactions; pid {pid}"
    " ({user}) has at least {count:count}.",
    "{sessions:count} 个会话的子事务超过 64 个；pid {pid}（{user}）至少有 {count:count} 个。",
)
_CACHE = Say(
    "The subtransaction cache is asked {rate:number} times a second; {share:percent} of active sessions wait for it.",
    "子事务缓存每秒被查询 {rate:number} 次；{share:percent} 的活动会话在等待它。",
)
_READING = "subtransactions"
_WAITS = {"SubtransSLRU", "SubtransBuffer", "SubtransSLRULock", "subtrans"}


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    row, share = now.row(Subtransactions), _waiting_share(now)
    rate = 0.0
    if earlier:
        before = earlier.row(Subtransactions)
        asked = row.cache_hits + row.cache_reads - before.cache_hits - before.cache_reads
        rate = asked / max(0.001, now.seconds_since(earlier))
    busy = rate >= limits["look_ups_per_second"] or share >= limits["waiting_share"]
    if not row.overflowed_sessions and not busy:
        return
    pid, count = row.worst_pid, row.worst_subtransactions
    message = (
        _SESSIONS(sessions=row.overflowed_sessions, pid=pid, user=row.worst_user, count=count)
        if row.overflowed_sessions
        else _CACHE(rate=rate, share=share)
    )
    yield Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if busy else Severity.NOTICE,
        object=f"pid {pid}" if pid else "server",
        object_kind="session" if pid else "server",
        message=message,
        evidence=(
            Evidence("overflowed_sessions", row.overflowed_sessions, "sessions", _READING),
            Evidence("subtransactions", count, "subtransactions", _READING),
            Evidence("cache_look_ups_per_second", round(rate), "per second", _READING),
            Evidence("share_waiting_for_cache", round(share, 3), "share", "sessions"),
            Evidence("statement", one_line(row.worst_statement), "text", _READING),
        ),
        details={
            "pid": pid,
            "user": row.worst_user,
            "application": row.worst_application,
            "statement": one_line(row.worst_statement),
            "overflowed": row.overflowed_sessions,
            "rate": rate,
            "share": share,
        },
        identity=f"{row.worst_user}|{row.worst_application}",
    )


def _waiting_share(now: Snapshot) -> float:
    active = [each for sample in now.samples for each in sample.rows(Session) if each.state == "active"]
    return sum(each.wait_event in _WAITS for each in active) / len(active) if active else 0.0
