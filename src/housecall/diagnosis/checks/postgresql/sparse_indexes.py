"""Indexes of hot tables on a column that is mostly NULL.

Why it matters: the entries for NULL are written and kept, though queries look for the few values.
How to fix: a partial index, WHERE the column IS NOT NULL; then drop the old one.
Cannot see: queries that look for the NULLs themselves.
Source: PostgreSQL manual, "Partial Indexes"; see also pg-index-health.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.tables import HotColumn
from housecall.wording import Say

CHECK = Check(
    id="postgresql.sparse_indexes",
    item="schema_object_analysis",
    severity=Severity.INFO,
    title=Say("Index mostly of NULLs", "索引大部分是 NULL"),
    thresholds=[
        Threshold("min_share", 0.9, "of the rows are NULL: a partial index is a tenth of the size"),
        Threshold("min_bytes", 10 * 1024 * 1024, "smaller indexes cost too little to report"),
    ],
)
_SPARSE = Say(
    "{share:percent} of the rows of {table} have no {column}, yet index {index} ({size:bytes}) keeps an entry for"
    " each.",
    "{table} 有 {share:percent} 的行 {column} 为 NULL，而索引 {index}（{size:bytes}）仍为每行保存一个条目。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    shares = {
        (row.schema_name, row.table_name, row.column_name): row.null_share
        for row in now.rows(HotColumn)
        if row.null_share is not None
    }
    for row in now.rows(HotIndex):
        if len(row.keys) != 1 or row.predicate is not None or row.is_unique or row.size_bytes < limits["min_bytes"]:
            continue
        share = shares.get((row.schema_name, row.table_name, row.keys[0]), 0.0)
        if share >= limits["min_share"]:
            name = table_name(row.schema_name, row.index_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, name, "index",
                _SPARSE(
                    share=share, table=table_name(row.schema_name, row.table_name), column=row.keys[0],
                    index=name, size=row.size_bytes,
                ),
                measured(HotColumn, share_of_nulls=(round(share, 3), "share"))
                + measured(HotIndex, size=(row.size_bytes, "bytes"), scans=(row.scans, "count")),
            )  # fmt: skip
