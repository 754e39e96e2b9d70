"""Indexes that a failed build left behind.

Why it matters: no query can use an invalid index, a unique one guarantees nothing for the rows it lacks, and once it
is ready
every write still pays for it.
How to fix: DROP INDEX CONCURRENTLY and build it again; for a unique index resolve the duplicates first.
Cannot see: without pg_monitor, whether a build that runs right now is of this index; then nothing is reported.
Source: PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import InvalidIndex
from housecall.wording import Say

CHECK = Check(
    id="postgresql.invalid_index",
    item="schema_object_analysis",
    severity=Severity.WARNING,
    title=Say(en="Invalid indexes", zh="无效索引"),
)
_INVALID = Say(
    en="{index} is invalid: no query can use it.",
    zh="索引 {index} 处于无效状态，任何查询都无法使用它。",
)
_INVALID_UNIQUE = Say(
    en="Unique index {index} is invalid: no query can use it, and {table} may hold duplicates.",
    zh="唯一索引 {index} 处于无效状态：查询无法使用它，而且表 {table} 中可能存在重复值。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for row in now.rows(InvalidIndex):
        if row.is_being_built:
            continue
        name, table = table_name(row.schema_name, row.index_name), table_name(row.schema_name, row.table_name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE if row.is_partitioned else Severity.WARNING, name, "index",
            (_INVALID_UNIQUE if row.is_unique else _INVALID)(index=name, table=table),
            measured(
                InvalidIndex,
                is_ready_for_writes=(row.is_ready, "flag"),
                is_unique=(row.is_unique, "flag"),
                size=(row.size_bytes, "bytes"),
                definition=(row.definition, "text"),
            ),
            details={
                "schema": row.schema_name, "table": row.table_name, "index": row.index_name,
                "definition": row.definition,
                "is_unique": row.is_unique, "is_ready": row.is_ready, "size_bytes": row.size_bytes,
                "table_bytes": row.table_bytes, "is_partitioned": row.is_partitioned,
                "is_constraint": row.is_constraint,
            },
        )  # fmt: skip
