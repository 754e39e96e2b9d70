"""Secondary indexes that no statement has used since the server started.

Why it matters: each index slows every write, and takes space in the buffer pool, the redo log and backups.
How to fix: make it invisible (MySQL) or ignored (MariaDB) for a while, then drop it.
Cannot see: use on replicas; use before the start of the server (its age is told). Never named: primary and unique keys,
and indexes that a foreign key needs.
Source: MySQL manual, "Table I/O and Lock Wait Summary Tables" and sys.schema_unused_indexes.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import age_seconds
from housecall.diagnosis.checks.mysql._measured import index_name, measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.indexes import UnusedIndex
from housecall.wording import Say

CHECK = Check(
    id="mysql.unused_index",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Indexes that no statement uses", zh="从未被使用的索引"),
    thresholds=[
        Threshold("min_size_bytes", 10 * 1024 * 1024, "smaller indexes cost too little to report"),
        Threshold("sure_seconds", 30 * 24 * 3600.0, "a month covers the monthly report"),
        Threshold("min_observed_seconds", 24 * 3600.0, "counters younger than a day have not seen a whole day's work"),
        Threshold(
            "young_min_writes", 10_000, "with young counters, only indexes that already cost many writes are named"
        ),
    ],
)
_UNUSED = Say(
    en="{index} ({size:bytes}) served no statement in {age:duration}, while its table took {writes:count} row"
    " change{writes:|s}.",
    zh="索引 {index}（{size:bytes}）在 {age:duration} 内没有服务过任何语句，而其表变更了 {writes:count} 行。",
)
_YOUNG = Say(
    "the counters are only {age:duration} old: that {indexes:count} index{indexes:|es} served no statement yet proves"
    " nothing",
    "计数器只有 {age:duration}：{indexes:count} 个索引尚未被使用说明不了问题",
)
_WAIT = Say("look again when the server has run for {age:duration}", "等服务器运行满 {age:duration} 后再检查")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    rows, age = now.rows(UnusedIndex), now.facts.uptime_seconds or age_seconds(now)
    is_young = age < limits["min_observed_seconds"]
    large = [row for row in rows if row.size_bytes >= limits["min_size_bytes"]]
    told = [row for row in large if not is_young or row.table_writes >= limits["young_min_writes"]]
    for row in told:
        yield _finding(row, age, limits)
    if is_young and len(told) < len(large):
        yield NotEvaluated(
            CHECK.id, _YOUNG(age=age, indexes=len(large) - len(told)), _WAIT(age=limits["min_observed_seconds"])
        )


def _finding(row: UnusedIndex, age: float, limits: Limits) -> Finding:
    name = index_name(row.schema_name, row.table_name, row.index_name)
    is_young = age < limits["min_observed_seconds"]
    return Finding(
        CHECK.id, CHECK.item, Severity.INFO if is_young else Severity.NOTICE, name, "index",
        _UNUSED(index=name, size=row.size_bytes, age=age, writes=row.table_writes),
        measured(
            UnusedIndex,
            uses=(0, "count"),
            size=(row.size_bytes, "bytes"),
            table_writes=(row.table_writes, "count"),
            counted_for=(round(age), "seconds"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "index": row.index_name, "columns": row.columns,
            "size_bytes": row.size_bytes, "age_seconds": age, "is_sure": age >= limits["sure_seconds"],
            "is_young": is_young, "writes": row.table_writes,
        },
    )  # fmt: skip
