"""A default partition that takes the rows for which nobody made a partition.

Why it matters: they lie in one heap, no query can skip it, and a partition for their range cannot be attached before
they are moved, under a lock.
How to fix: make partitions ahead of time (by a job); move the rows of the default one into partitions of their own.
Source: PostgreSQL manual, "Table Partitioning", default partitions; see also pg-index-health.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import PartitionedTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.default_partition",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say("Rows in the default partition", "默认分区中积累了数据"),
    thresholds=[
        Threshold("min_rows", 1_000, "a few strays are what a default partition is for"),
        Threshold("notice_share", 0.1, "of the table: it is no partition for strays any more"),
    ],
)
_TAKES = Say(
    "The default partition {name} of {table} holds {rows:count} row{rows:|s}, {share:percent} of the table.",
    "{table} 的默认分区 {name} 中有 {rows:count} 行，占全表的 {share:percent}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(PartitionedTable):
        rows = row.default_rows or 0.0
        if row.default_name is None or rows < limits["min_rows"]:
            continue
        table, share = table_name(row.schema_name, row.table_name), rows / max(row.live_rows, rows)
        severity = Severity.NOTICE if share >= limits["notice_share"] and row.partitions > 1 else Severity.INFO
        yield Finding(
            CHECK.id, CHECK.item, severity, table, "table",
            _TAKES(name=row.default_name, table=table, rows=rows, share=share),
            measured(
                PartitionedTable,
                rows_of_the_default_partition=(rows, "count"),
                live_rows=(row.live_rows, "count"),
                partitions=(row.partitions, "count"),
            ),
            details={"table": table, "default": row.default_name, "rows": rows},
        )  # fmt: skip
