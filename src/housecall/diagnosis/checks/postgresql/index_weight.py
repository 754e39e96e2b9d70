"""Tables whose indexes weigh more than the rows.

Why it matters: every index is written with every row, vacuumed and kept in the cache; ten of them on one table are
seldom all used.
How to fix: look at their scans; drop what no query uses, replace several by one with the columns in the right order.
Source: the practice of pgAssistant (ratio 1.5, ten indexes).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import IndexLoad
from housecall.wording import Say

CHECK = Check(
    id="postgresql.index_weight",
    item="schema_object_analysis",
    severity=Severity.INFO,
    title=Say("Indexes heavier than the table", "索引比表还大"),
    thresholds=[
        Threshold("max_ratio", 1.5, "indexes against rows; common practice"),
        Threshold("min_bytes", 100 * 1024 * 1024, "smaller indexes cost too little to report"),
        Threshold("max_indexes", 10, "common practice"),
    ],
)
_HEAVY = Say(
    "{table} has {indexes:count} indexes of {index_bytes:bytes} together on {table_bytes:bytes} of rows.",
    "{table} 有 {indexes:count} 个索引，共 {index_bytes:bytes}，而表数据只有 {table_bytes:bytes}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(IndexLoad):
        heavy = row.index_bytes >= limits["min_bytes"] and row.index_bytes > limits["max_ratio"] * row.table_bytes
        many = row.indexes > limits["max_indexes"]
        if heavy or many:
            name = table_name(row.schema_name, row.table_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, name, "table",
                _HEAVY(
                    table=name, indexes=row.indexes, index_bytes=row.index_bytes, table_bytes=row.table_bytes
                ),
                measured(
                    IndexLoad,
                    indexes=(row.indexes, "count"),
                    index_size=(row.index_bytes, "bytes"),
                    table_size=(row.table_bytes, "bytes"),
                ),
            )  # fmt: skip
