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
    severity=Severity.WARNING,
    title=Say(en="Low buffer cache hit ratio", zh="缓冲区命中率偏低"),
    thresholds=[
        Threshold("low_share", 0.90, "the usual mark for transactional work; check_pgactivity warns below it too"),
        Threshold(
            "min_uptime_seconds", 600, "a cache that was just emptied by a restart or had its counters reset is cold"
        ),
        Threshold(
            "min_blocks", 1_000_000, "8 GB of block requests: fewer tell about a moment, not about a working set"
        ),
        Threshold("young_rereads", 3, "times the whole database was read; filling a cold cache reads it once"),
        Threshold("young_blocks", 5_000, "blocks read, 40 MB, in a young server: fewer tell about a moment"),
        Threshold(
            "tiny_buffers", 16 * 1024 * 1024, "an eighth of what initdb writes for any machine; it cannot be meant"
        ),
        Threshold("min_window_blocks", 10_000, "block requests in a window, so that the share means something"),
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

_TINY = Say(
    en="shared_buffers is only {buffers:bytes}: {read:bytes} were read from outside it, {times:number} times the whole"
    " database.",
    zh="shared_buffers 只有 {buffers:bytes}：已从外部读取 {read:bytes}，相当于把整个数据库读了 {times:number} 遍。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    row, buffers = now.row(DatabaseCounters), _shared_buffers(now)
    window = _window(row, earlier, limits)
    hit, read = window or (row.blocks_hit, row.blocks_read)
    total = hit + read
    again = _is_read_over_again(row, limits)
    is_tiny = again and buffers is not None and buffers <= limits["tiny_buffers"]
    if not total or (hit / total >= limits["low_share"] and (window is not None or not is_tiny)):
        return
    if not _is_warm(row, row.blocks_hit + row.blocks_read, limits) and not again:
        return
    size = row.heap_bytes + row.index_bytes
    times = row.blocks_read * 8192 / max(size, 8192)
    message = (
        _TINY(buffers=buffers, read=row.blocks_read * 8192, times=times)
        if is_tiny
        else _LOW(share=hit / total, blocks=total, buffers=buffers, read=read * 8192)
    )
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_tiny and window else Severity.NOTICE, now.facts.database,
        "database", message,
        measured(
            DatabaseCounters,
            hit_share=(round(hit / total, 4), "share"),
            blocks_requested=(total, "count"),
            blocks_read=(row.blocks_read, "count"),
            times_the_database_was_read=(round(times, 1), "number"),
            read_time=(round(row.read_seconds, 1), "seconds"),
            database_size=(size, "bytes"),
        )
        + measured(ServerSetting, shared_buffers=(buffers, "bytes")),
        details={
            "share": hit / total, "blocks_read": row.blocks_read, "shared_buffers": buffers, "database_bytes": size,
            "read_seconds": row.read_seconds, "age_seconds": row.statistics_seconds, "is_tiny": is_tiny,
        },
    )  # fmt: skip


def _is_warm(row: DatabaseCounters, total: int, limits: Limits) -> bool:
    """Whether the cache had the time and the traffic to hold what it can."""
    age = min(row.statistics_seconds, row.started_seconds_ago)
    return age >= limits["min_uptime_seconds"] and total >= limits["min_blocks"]


def _is_read_over_again(row: DatabaseCounters, limits: Limits) -> bool:
    """Whether more was read than a cold cache has to fetch: the same blocks came from outside several times."""
    size = (row.heap_bytes + row.index_bytes) / 8192
    return size > 0 and row.blocks_read >= max(limits["young_blocks"], limits["young_rereads"] * size)


def _window(row: DatabaseCounters, earlier: Snapshot | None, limits: Limits) -> tuple[int, int] | None:
    """Blocks found and blocks read between two looks, when they were many enough to tell of the present."""
    before = earlier.get(DatabaseCounters) if earlier else ()
    if isinstance(before, Unavailable) or not before:
        return None
    hit, read = row.blocks_hit - before[0].blocks_hit, row.blocks_read - before[0].blocks_read
    return (hit, read) if hit + read >= limits["min_window_blocks"] else None


def _shared_buffers(now: Snapshot) -> float | None:
    rows = now.get(ServerSetting)
    if isinstance(rows, Unavailable):
        return None
    return next((row.number for row in rows if row.name == "shared_buffers"), None)
