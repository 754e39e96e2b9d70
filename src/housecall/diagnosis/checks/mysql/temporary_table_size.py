"""Internal temporary tables that go to disk because the server's limit for those in memory is low.

Why it matters: grouping, DISTINCT and derived tables are then written to files and read back, several times slower.
How to fix: set tmp_table_size back to its default or a few times that; statements that build huge ones want an index or
a rewrite.
Cannot see: on MariaDB, which of them went to disk for a TEXT or BLOB column, which no size mends.
Source: MySQL manual, "Internal Temporary Table Use in MySQL"; MariaDB documentation, tmp_memory_table_size; see also
MySQLTuner (a quarter of them).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import MB, number, pace, settings
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.temporary_table_size",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Temporary tables on disk", zh="临时表落盘"),
    thresholds=[
        Threshold("disk_share", 0.25, "as MySQLTuner has it"),
        Threshold("warning_in_window", 100, "tables on disk in a window; the readings themselves make some thirty"),
        Threshold("notice_per_second", 1.0, "on average; fewer are reports"),
        Threshold("least_total", 500, "tables on disk in all, since the counters of a young server prove nothing"),
        Threshold("low_bytes", 4 * MB, "a quarter of the default of both servers: far off, whatever the load"),
        Threshold("least_total_when_low", 50, "tables on disk in all, where the size is far off"),
    ],
    needs_window=True,
)
_DISK = Say(
    en="{disk:count} of {all:count} internal temporary tables went to disk ({share:percent}, {rate:number} a"
    " second); up to"
    " {size:bytes} stay in memory.",
    zh="{all:count} 个内部临时表中有 {disk:count} 个落盘（{share:percent}，每秒 {rate:number} 个）；内存中最多保留"
    " {size:bytes}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    disk, all_tables = pace(now, earlier, "Created_tmp_disk_tables"), pace(now, earlier, "Created_tmp_tables")
    name, size = memory_limit(now)
    is_low = size is not None and size < limits["low_bytes"]
    if size is None or disk.total < limits["least_total_when_low" if is_low else "least_total"]:
        return
    share = disk.total / max(all_tables.total, disk.total, 1.0)
    in_window = disk.in_window or 0.0
    is_now = in_window >= limits["warning_in_window"] and in_window >= (
        limits["disk_share"] * (all_tables.in_window or 0.0)
    )  # fmt: skip
    if not is_now and (share < limits["disk_share"] or (disk.average < limits["notice_per_second"] and not is_low)):
        return
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_now and is_low else Severity.NOTICE, name, "setting",
        _DISK(disk=disk.total, all=all_tables.total, share=share, rate=disk.current, size=size),
        disk.evidence("temporary_tables_on_disk") + all_tables.evidence("temporary_tables")
        + settings(now, tmp_table_size="bytes", max_heap_table_size="bytes", temptable_max_ram="bytes"),
        details={"name": name, "size": size, "is_low": is_low, "is_now": is_now, "is_over": disk.is_over,
                 "share": share, "rate": disk.current, "age_seconds": disk.seconds},
    )  # fmt: skip


def memory_limit(now: Snapshot) -> tuple[str, float | None]:
    """The setting that decides how large a temporary table may become in memory, and its bytes."""
    names = ["tmp_table_size"]
    if now.facts.version.flavour == "mariadb" or now.facts.version.number < 80000:
        names.append("max_heap_table_size")
    else:
        names.append("temptable_max_ram")
    known = [(name, value) for name in names if (value := number(now, name)) is not None]
    return min(known, key=lambda each: each[1], default=("tmp_table_size", None))
