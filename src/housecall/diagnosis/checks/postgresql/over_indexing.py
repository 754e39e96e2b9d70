"""Tables that carry many indexes which nobody reads while they are written.

Why it matters: every insert writes every index; a dozen idle ones make writes several times slower and WAL several
times more.
How to fix: drop the indexes that served no query and enforce nothing, largest first.
Cannot see: use on replicas, and use before the statistics began (their age is told).
Source: PostgreSQL manual, "Indexes", introduction; pg_stat_all_indexes.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import has_replica, measured, statistics_seconds, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import IndexLoad
from housecall.wording import Say

CHECK = Check(
    id="postgresql.over_indexing",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Too many indexes on a written table", zh="写入频繁的表上索引过多"),
    thresholds=[
        Threshold("min_idle", 5, "fewer idle indexes are reported one by one as unused"),
        Threshold("min_writes", 10_000, "below this the table is hardly written and idle indexes only take space"),
        Threshold("min_rows", 1_000, "on small tables an index entry costs next to nothing"),
    ],
)
_MANY = Say(
    en="{table} has {indexes} index{indexes:|es} and {idle} of them served no query in {age:duration},"
    " while {writes:count} row"
    " changes had to"
    " maintain them.",
    zh="表 {table} 有 {indexes} 个索引，其中 {idle} 个在 {age:duration} 内没有服务过任何查询，却随 {writes:count}"
    " 次行变更一起维护。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    age = statistics_seconds(now)
    for row in now.rows(IndexLoad):
        idle = len(row.idle_names)
        if idle >= limits["min_idle"] and row.writes >= limits["min_writes"] and row.live_rows >= limits["min_rows"]:
            name = table_name(row.schema_name, row.table_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, name, "table",
                _MANY(table=name, indexes=row.indexes, idle=idle, age=age, writes=row.writes),
                measured(
                    IndexLoad,
                    indexes=(row.indexes, "count"),
                    idle_indexes=(idle, "count"),
                    idle_bytes=(row.idle_bytes, "bytes"),
                    index_bytes=(row.index_bytes, "bytes"),
                    table_bytes=(row.table_bytes, "bytes"),
                    row_changes=(row.writes, "count"),
                    statistics_age=(round(age), "seconds"),
                ),
                details={
                    "schema": row.schema_name, "table": row.table_name, "indexes": row.indexes, "idle": row.idle_names,
                    "definitions": row.idle_definitions, "idle_bytes": row.idle_bytes, "writes": row.writes,
                    "age_seconds": age, "has_replica": has_replica(now), "table_bytes": row.table_bytes,
                },
            )  # fmt: skip
