"""Tables without a primary key.

Why it matters: InnoDB makes a hidden key that nobody can use, and a replica searches the whole table for every
changed row.
How to fix: declare a unique index without NULL the primary key, or add a BIGINT AUTO_INCREMENT column.
Source: MySQL manual, "Clustered and Secondary Indexes" and "Replication and Row-Based Logging".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import TableWithoutKey
from housecall.wording import Say

CHECK = Check(
    id="mysql.no_primary_key",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Tables without a primary key", zh="没有主键的表"),
    thresholds=[Threshold("min_rows", 1, "an empty table costs nothing yet and may be one that is just being made")],
)
_NO_KEY = Say(en="{table} ({rows:count} rows) has no primary key", zh="表 {table}（{rows:count} 行）没有主键")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(TableWithoutKey):
        if row.live_rows >= limits["min_rows"]:
            yield _finding(row)


def _finding(row: TableWithoutKey) -> Finding:
    name = table_name(row.schema_name, row.table_name)
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, name, "table", _NO_KEY(table=name, rows=row.live_rows),
        measured(
            TableWithoutKey,
            live_rows=(row.live_rows, "count"),
            size=(row.size_bytes, "bytes"),
            tables_without_key=(row.tables, "count"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "live_rows": row.live_rows,
            "size_bytes": row.size_bytes, "unique_indexes": row.usable_unique_indexes, "engine": row.engine,
        },
    )  # fmt: skip
