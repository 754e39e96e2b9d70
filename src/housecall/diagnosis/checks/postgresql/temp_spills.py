"""Sorts and hashes that do not fit into work_mem and go through temporary files.

Why it matters: a sort on disk takes several times as long, and temporary files compete with the data for disk and
cache.
How to fix: for the statement that spills, an index that gives the order, fewer rows, or more work_mem for its role.
Cannot see: which statement spills, without pg_stat_statements or log_temp_files.
Source: PostgreSQL manual, work_mem; pg_stat_database.temp_bytes.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import less_memory, setting_number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.temp_spills",
    item="resource_usage",
    severity=Severity.WARNING,
    title=Say(en="Sorts and hashes on disk", zh="排序或哈希溢出到临时文件"),
    thresholds=[
        Threshold("min_files", 10, "a handful of files is a report or an index build"),
        Threshold("min_bytes", 10 * 1024 * 1024, "less than this stays in the operating system's cache unnoticed"),
        Threshold(
            "warning_bytes_per_hour",
            10 * 1024**3,
            "three megabytes a second, all day, is a disk's time spent on sorting",
        ),
        Threshold("small_work_mem", 1024 * 1024, "a quarter of the default of 4 MB: nearly everything spills"),
    ],
    needs_window=True,
)
FITS_SHARE = 0.5
"""Rows take about twice the room in memory that they take in a file."""
_SPILLS = Say(
    en="{files:count} temporary file{files:|s} with {size:bytes} together in {age:duration}; work_mem is"
    " {memory:bytes}.",
    zh="{age:duration} 内产生 {files:count} 个临时文件，共 {size:bytes}；work_mem 为 {memory:bytes}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    row = now.row(DatabaseCounters)
    memory = setting_number(now, "work_mem")
    if row.temp_files < limits["min_files"] or row.temp_bytes < limits["min_bytes"]:
        return
    age = max(row.statistics_seconds, 1.0)
    before = earlier.get(DatabaseCounters) if earlier else ()
    in_window = row.temp_bytes - before[0].temp_bytes if before and not isinstance(before, Unavailable) else None
    is_heavy = row.temp_bytes / age * 3600 >= limits["warning_bytes_per_hour"]
    is_tiny = memory is not None and memory < limits["small_work_mem"]
    is_tiny = is_tiny or _is_of_the_poor(row, memory, now, limits)
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_tiny or (is_heavy and in_window != 0) else Severity.NOTICE,
        now.facts.database, "database",
        _SPILLS(files=row.temp_files, size=row.temp_bytes, age=age, memory=memory),
        measured(
            DatabaseCounters,
            temporary_files=(row.temp_files, "count"),
            temporary_bytes=(row.temp_bytes, "bytes"),
            temporary_bytes_in_window=(in_window, "bytes"),
            statistics_age=(round(age), "seconds"),
        )
        + measured(ServerSetting, work_mem=(memory, "bytes")),
        details={
            "files": row.temp_files, "bytes": row.temp_bytes, "work_mem": memory, "is_tiny": is_tiny,
            "age_seconds": age,
            "bytes_in_window": in_window,
        },
    )  # fmt: skip


def _is_of_the_poor(row: DatabaseCounters, memory: float | None, now: Snapshot, limits: Limits) -> bool:
    """Whether the files are those of a role or database with a tiny work_mem of its own: at the server's value, files
    as small as these would have stayed in memory."""
    fits = memory is not None and row.temp_bytes / row.temp_files < FITS_SHARE * memory
    return fits and bool(less_memory("work_mem", now, limits["small_work_mem"]))
