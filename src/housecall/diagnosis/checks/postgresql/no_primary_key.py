"""Tables without a primary key.

Why it matters: a row cannot be named, duplicates cannot be removed one by one, and logical replication refuses
updates and
deletes of the table.
How to fix: add a key; a unique index on NOT NULL columns can become one at once.
Cannot see: whether the table is append-only by design, such as a log; so this is a notice, not a warning.
Source: PostgreSQL manual, "Constraints", Primary Keys, and "Logical Replication", Publication.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import TableWithoutKey
from housecall.wording import Say

CHECK = Check(
    id="postgresql.no_primary_key",
    item="schema_object_analysis",
    severity=Severity.WARNING,
    title=Say(en="Tables without primary key", zh="没有主键的表"),
    thresholds=[
        Threshold("min_rows", 1_000, "smaller tables are settings and staging; they are counted, not named"),
    ],
)
_NO_KEY = Say(
    en="{table} ({rows:count} row{rows:|s}) has no primary key.",
    zh="表 {table}（{rows:count} 行）没有主键。",
)
_PUBLISHED = Say(
    en="{table} ({rows:count} row{rows:|s}) is published for logical replication without a primary key: its updates and"
    " deletes fail.",
    zh="表 {table}（{rows:count} 行）已发布到逻辑复制却没有主键，对它的 UPDATE 和 DELETE 会报错。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(TableWithoutKey):
        if row.live_rows >= limits["min_rows"] or breaks_replication(row):
            yield _finding(row)


def breaks_replication(row: TableWithoutKey) -> bool:
    """Whether the server refuses updates and deletes: published, and neither an index nor the whole row is its
    identity."""
    return row.is_published and row.replica_identity in ("d", "n")


def _finding(row: TableWithoutKey) -> Finding:
    name = table_name(row.schema_name, row.table_name)
    is_broken = breaks_replication(row)
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_broken else Severity.NOTICE, name, "table",
        (_PUBLISHED if is_broken else _NO_KEY)(table=name, rows=row.live_rows),
        measured(
            TableWithoutKey,
            live_rows=(row.live_rows, "count"),
            size=(row.size_bytes, "bytes"),
            updates_and_deletes=(row.changed, "count"),
            tables_without_key=(row.tables, "count"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "live_rows": row.live_rows,
            "size_bytes": row.size_bytes,
            "unique_indexes": row.usable_unique_indexes, "is_published": row.is_published, "is_broken": is_broken,
            "is_partitioned": row.is_partitioned, "replica_identity": row.replica_identity,
        },
    )  # fmt: skip
