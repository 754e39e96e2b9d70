"""How many of the blocks that queries ask for are found in the buffer cache.

Why it matters: what is not there comes from the operating system's cache or from disk; when the share falls, reads
take over.
How to fix: first the statements that read more than they need; then more shared_buffers, when the hot data does not
fit.
Cannot see: the operating system's cache; so a low share alone is a hint, and read time is told where it is measured.
Source: PostgreSQL manual, pg_stat_database.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.cache_hit",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say(en="Low buffer cache hit ratio", zh="缓冲区命中率偏低"),
    thresholds=[
        Threshold("low_share", 0.90, "the usual mark for transactional work; check_pgactivity warns below it too"),
        Threshold(
            "min_uptime_seconds", 600, "a cache that was just emptied by a restart or had its counters reset is cold"
        ),
        Threshold(
            "min_blocks", 1_000_000, "8 GB of block requests: fewer tell about a moment, not about a working set"
        ),
        Threshold("min_window_blocks", 20_000, "block requests in a window, so that the share means something"),
    ],
    needs_window=True,
)
_LOW = Say(
    en="Only {share:percent} of {blocks:count} block requests were served from shared buffers ({buffers:bytes});"
    " {read:bytes} came"
    " from outside.",
    zh="{blocks:count} 次数据块请求中只有 {share:percent} 命中共享缓冲区（{buffers:bytes}），另有 {read:bytes}"
    " 需要从缓冲区之外读取。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    row = now.row(DatabaseCounters)
    if min(row.statistics_seconds, row.started_seconds_ago) < limits["min_uptime_seconds"]:
        return
    total = row.blocks_hit + row.blocks_read
    if total < limits["min_blocks"] or row.blocks_hit / total >= limits["low_share"] or _is_over(row, earlier, limits):
        return
    buffers = _shared_buffers(now)
    share = row.blocks_hit / total
    yield Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, now.facts.database, "database",
        _LOW(share=share, blocks=total, buffers=buffers, read=row.blocks_read * 8192),
        measured(
            DatabaseCounters,
            hit_share=(round(share, 4), "share"),
            blocks_requested=(total, "count"),
            blocks_read=(row.blocks_read, "count"),
            read_time=(round(row.read_seconds, 1), "seconds"),
            database_size=(row.heap_bytes + row.index_bytes, "bytes"),
        )
        + measured(ServerSetting, shared_buffers=(buffers, "bytes")),
        details={
            "share": share, "blocks_read": row.blocks_read, "shared_buffers": buffers,
            "database_bytes": row.heap_bytes + row.index_bytes, "read_seconds": row.read_seconds,
            "age_seconds": row.statistics_seconds,
        },
    )  # fmt: skip


def _is_over(row: DatabaseCounters, earlier: Snapshot | None, limits: Limits) -> bool:
    """Whether a busy window shows that the cache serves well by now."""
    before = earlier.get(DatabaseCounters) if earlier else ()
    if isinstance(before, Unavailable) or not before:
        return False
    hit, read = row.blocks_hit - before[0].blocks_hit, row.blocks_read - before[0].blocks_read
    return hit + read >= limits["min_window_blocks"] and hit / (hit + read) >= limits["low_share"]


def _shared_buffers(now: Snapshot) -> float | None:
    rows = now.get(ServerSetting)
    if isinstance(rows, Unavailable):
        return None
    return next((row.number for row in rows if row.name == "shared_buffers"), None)
