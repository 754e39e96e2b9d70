"""Indexes of more than five columns.

Why it matters: the key is stored with every entry; behind the third or fourth column it narrows nothing any more, and
each change of any of its columns rewrites an entry.
How to fix: look which leading columns the statements use, and leave the rest out unless it covers a hot statement.
Source: MySQL manual, "Multiple-Column Indexes"; see also MySQLTuner and Alibaba's SQL lint (at most five columns).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.indexes import IndexLoad
from housecall.wording import Say

CHECK = Check(
    id="mysql.wide_indexes",
    item="schema_object_analysis",
    severity=Severity.INFO,
    title=Say(en="Very wide indexes", zh="过宽的索引"),
    thresholds=[Threshold("max_columns", 5, "Alibaba's lint rule for the columns of one index")],
)
_WIDE = Say(
    en="{table} has an index of {columns:count} columns.", zh="表 {table} 有一个包含 {columns:count} 列的索引。"
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(IndexLoad):
        if row.widest_columns > limits["max_columns"]:
            name = table_name(row.schema_name, row.table_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, name, "table", _WIDE(table=name, columns=row.widest_columns),
                measured(IndexLoad, widest_columns=(row.widest_columns, "count"), indexes=(row.indexes, "count")),
                details={"schema": row.schema_name, "table": row.table_name},
            )  # fmt: skip
