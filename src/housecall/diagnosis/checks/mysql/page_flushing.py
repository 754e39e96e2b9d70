"""Sessions that wait until a dirty page is written, because the background does not write fast enough.

Why it matters: a session that needs a free page then writes one itself; statements stop in bursts, a checkpoint storm.
How to fix: let InnoDB write more in the background (innodb_io_capacity, to what the disk can do), or a larger pool
and redo log.
Cannot see: what the disk can do.
Source: MySQL manual, Innodb_buffer_pool_wait_free ("should be small") and "Configuring Buffer Pool Flushing".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace, settings
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.page_flushing",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Sessions wait for pages to be written", zh="会话等待脏页刷盘"),
    thresholds=[
        Threshold("warning_in_window", 20, "waits in a window of a second; single ones come with any bulk load"),
        Threshold("notice_total", 1000, "waits in all, and at least one an hour"),
        Threshold("dirty_share", 0.5, "of the pool dirty: below it there were clean pages to give away"),
    ],
    needs_window=True,
)
_WAITS = Say(
    en="Sessions waited {waits:count} time{waits:|s} for a free page ({window:count} in the window); {dirty:percent} of"
    " the buffer pool is dirty.",
    zh="会话等待空闲页 {waits:count} 次（窗口内 {window:count} 次），缓冲池中脏页占 {dirty:percent}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    waits = pace(now, earlier, "Innodb_buffer_pool_wait_free")
    dirty = counter(now, "Innodb_buffer_pool_pages_dirty") or 0.0
    share = dirty / max(counter(now, "Innodb_buffer_pool_pages_total") or 0.0, 1.0)
    is_now = (waits.in_window or 0.0) >= limits["warning_in_window"] and share >= limits["dirty_share"]
    if not is_now and (waits.total < limits["notice_total"] or waits.average < 1 / 3600):
        return
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_now else Severity.NOTICE, "innodb_io_capacity", "setting",
        _WAITS(waits=waits.total, window=waits.in_window or 0.0, dirty=share),
        waits.evidence("waits_for_a_free_page")
        + measured(StatusCounter, dirty_share=(round(share, 3), "share"))
        + settings(now, innodb_io_capacity="pages a second", innodb_io_capacity_max="pages a second"),
        details={"waits": waits.total, "in_window": waits.in_window, "dirty_share": share, "is_now": is_now,
                 "is_over": waits.is_over, "age_seconds": waits.seconds},
    )  # fmt: skip
