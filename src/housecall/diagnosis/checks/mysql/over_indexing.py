"""Tables that carry many indexes which nobody reads while they are written.

Why it matters: every insert writes every index; a dozen idle ones make writes several times slower.
How to fix: drop the indexes that served no statement and enforce nothing, one after the other, each hidden first.
Cannot see: use on replicas and before the start of the server; without performance_schema use at all: then only the
number of indexes is told, as a remark.
Source: MySQL manual, "Optimization and Indexes": unneeded indexes waste space and time; Alibaba's rule of at most 10.
"""

from collections.abc import Iterator, Sequence

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.checks.mysql._tables import known_tables, rows_or_none
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.indexes import IndexLoad, UnusedIndex
from housecall.wording import Say

CHECK = Check(
    id="mysql.over_indexing",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Too many indexes on a written table", zh="写入频繁的表上索引过多"),
    thresholds=[
        Threshold("min_idle", 5, "fewer idle indexes are reported one by one as unused"),
        Threshold("min_writes", 10_000, "below this the table is hardly written and idle indexes only take space"),
        Threshold("min_rows", 1_000, "on small tables an index entry costs next to nothing"),
        Threshold("many_indexes", 11, "more than ten, where use cannot be seen: Alibaba's lint rule"),
    ],
)
_MANY = Say(
    en="{table} has {idle} secondary index{idle:|es} that served no statement in {age:duration}, while"
    " {writes:count} row change{writes:|s} had to maintain them.",
    zh="表 {table} 有 {idle} 个二级索引在 {age:duration} 内没有服务过任何语句，却随 {writes:count} 次行变更一起维护。",
)
_COUNT = Say(
    en="{table} has {indexes} index{indexes:|es}; which of them are used cannot be seen here.",
    zh="表 {table} 有 {indexes} 个索引；此处看不到哪些在使用。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    unused = now.get(UnusedIndex)
    if isinstance(unused, Unavailable):
        yield from _by_number(now, limits)
        yield not_evaluated(CHECK.id, unused, now)
        return
    rows = {place: table.rows for place, table in known_tables(now).items()}
    by_table: dict[tuple[str, str], list[UnusedIndex]] = {}
    for row in unused:
        by_table.setdefault((row.schema_name, row.table_name), []).append(row)
    for place, idle in by_table.items():
        large = rows.get(place, limits["min_rows"]) >= limits["min_rows"]
        if len(idle) >= limits["min_idle"] and idle[0].table_writes >= limits["min_writes"] and large:
            yield _finding(now, idle)


def _finding(now: Snapshot, idle: Sequence[UnusedIndex]) -> Finding:
    first, size = idle[0], sum(row.size_bytes for row in idle)
    name, age = table_name(first.schema_name, first.table_name), now.facts.uptime_seconds
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, name, "table",
        _MANY(table=name, idle=len(idle), age=age, writes=first.table_writes),
        measured(
            UnusedIndex,
            idle_indexes=(len(idle), "count"),
            idle_bytes=(size, "bytes"),
            row_changes=(first.table_writes, "count"),
            counted_for=(round(age), "seconds"),
        ),
        details={
            "schema": first.schema_name, "table": first.table_name, "idle": [row.index_name for row in idle],
            "columns": [row.columns for row in idle], "idle_bytes": size, "writes": first.table_writes,
            "age_seconds": age, "is_seen": True,
        },
    )  # fmt: skip


def _by_number(now: Snapshot, limits: Limits) -> Iterator[Finding]:
    for row in rows_or_none(now, IndexLoad):
        if row.indexes >= limits["many_indexes"]:
            name = table_name(row.schema_name, row.table_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, name, "table", _COUNT(table=name, indexes=row.indexes),
                measured(IndexLoad, indexes=(row.indexes, "count")),
                details={"schema": row.schema_name, "table": row.table_name, "is_seen": False, "idle": []},
            )  # fmt: skip
