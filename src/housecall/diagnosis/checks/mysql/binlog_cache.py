"""Transactions whose binary log did not fit into the session's cache and went through a temporary file.

Why it matters: each of them writes its changes twice.
How to fix: a larger binlog_cache_size; every session that writes takes that much.
Source: MySQL manual, Binlog_cache_disk_use; see also MySQLTuner (a tenth of the transactions).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace, settings
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.binlog_cache",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say(en="Binary log cache on disk", zh="binlog 缓存落盘"),
    thresholds=[
        Threshold("disk_share", 0.1, "common practice"),
        Threshold("least_total", 100, "transactions through files; fewer are loads"),
    ],
    needs_window=True,
)
_DISK = Say(
    en="{disk:count} of {all:count} transactions ({share:percent}) wrote their binary log through a temporary file.",
    zh="{all:count} 个事务中有 {disk:count} 个（{share:percent}）的 binlog 缓存写入了临时文件。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    disk, used = pace(now, earlier, "Binlog_cache_disk_use"), pace(now, earlier, "Binlog_cache_use")
    share = disk.total / max(used.total, 1.0)
    if disk.total < limits["least_total"] or share < limits["disk_share"] or disk.is_over:
        return
    yield Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, "binlog_cache_size", "setting",
        _DISK(disk=disk.total, all=used.total, share=share),
        disk.evidence("transactions_through_files") + used.evidence("transactions_with_binlog")
        + settings(now, binlog_cache_size="bytes"),
        details={"share": share},
    )  # fmt: skip
