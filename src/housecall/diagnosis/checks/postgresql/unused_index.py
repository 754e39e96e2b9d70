"""Indexes that no query has used since the statistics began.

Why it matters: each index slows every write, keeps updates from being heap-only, and takes space in memory and backups.
How to fix: drop it, after confirming that no replica and no monthly job uses it.
Cannot see: use on replicas; use before the statistics began (their age is told). Never named: primary keys, unique and
exclusion constraints, replica identities, clustered indexes, and indexes that serve a foreign key.
Source: PostgreSQL manual, "The Cumulative Statistics System", pg_stat_all_indexes.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import has_replica, measured, statistics_seconds, table_name
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import UnusedIndex
from housecall.wording import Say

CHECK = Check(
    id="postgresql.unused_index",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Indexes that no query uses", zh="从未被查询使用的索引"),
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
    en="{index} ({size:bytes}) served no query in {age:duration}, while its table was scanned"
    " {scans:count} time{scans:|s}"
    " and took"
    " {writes:count} row changes.",
    zh="索引 {index}（{size:bytes}）在 {age:duration} 内没有服务过任何查询，而其表被扫描 {scans:count} 次、变更 "
    "{writes:count} 行。",
)

_YOUNG = Say(
    "the statistics are only {age:duration} old: that {indexes:count} index{indexes:|es} served no query yet proves"
    " nothing",
    "统计信息只有 {age:duration}：{indexes:count} 个索引尚未被使用说明不了问题",
)
_WAIT = Say("look again when the statistics are {age:duration} old", "等统计信息积累满 {age:duration} 后再检查")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    age = statistics_seconds(now)
    is_young = age < limits["min_observed_seconds"]
    large = [row for row in now.rows(UnusedIndex) if row.size_bytes >= limits["min_size_bytes"]]
    told = [row for row in large if not is_young or row.table_writes >= limits["young_min_writes"]]
    for row in told:
        yield _finding(row, now, age, limits)
    if is_young and len(told) < len(large):
        yield NotEvaluated(
            CHECK.id,
            _YOUNG(age=age, indexes=len(large) - len(told)),
            _WAIT(age=limits["min_observed_seconds"]),
        )


def _finding(row: UnusedIndex, now: Snapshot, age: float, limits: Limits) -> Finding:
    name = table_name(row.schema_name, row.index_name)
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE if age >= limits["min_observed_seconds"] else Severity.INFO, name,
        "index",
        _UNUSED(index=name, size=row.size_bytes, age=age, scans=row.table_scans, writes=row.table_writes),
        measured(
            UnusedIndex,
            index_scans=(0, "count"),
            size=(row.size_bytes, "bytes"),
            table_writes=(row.table_writes, "count"),
            table_scans=(row.table_scans, "count"),
            statistics_age=(round(age), "seconds"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "index": row.index_name, "definition": row.definition,
            "size_bytes": row.size_bytes, "age_seconds": age, "is_sure": age >= limits["sure_seconds"],
            "is_young": age < limits["min_observed_seconds"], "has_replica": has_replica(now),
            "is_partition": row.is_partition, "writes": row.table_writes, "total": row.indexes,
            "total_bytes": row.all_size_bytes,
        },
    )  # fmt: skip
