"""Indexes that another index of their table makes superfluous: its twin, or a longer one that begins alike.

Why it matters: both are written on every change and kept in the buffer pool, and the optimizer needs one.
How to fix: make it invisible (MySQL) or ignored (MariaDB) for a while, then drop it.
Same means: kind of index, columns in order, prefix lengths and directions. A unique index enforces something and is
superfluous
only beside another unique index on the same columns.
Source: MySQL manual, "Multiple-Column Indexes"; pt-duplicate-key-checker.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import index_name, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.indexes import OverlappingIndexes
from housecall.wording import Say

CHECK = Check(
    id="mysql.duplicate_index",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Duplicate and redundant indexes", zh="重复和冗余索引"),
)
_SAME = Say(
    en="{index} ({size:bytes}) is the same index as {other}: one of the two is only cost",
    zh="索引 {index}（{size:bytes}）与 {other} 完全相同，其中一个只会增加开销",
)
_PREFIX = Say(
    en="{index} ({size:bytes}) is superfluous: {other} begins with the same columns",
    zh="索引 {index}（{size:bytes}）是多余的：{other} 以相同的列开头",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    told: set[tuple[str, str, str]] = set()
    for row in sorted(now.rows(OverlappingIndexes), key=lambda each: not each.is_equal):
        this = (row.schema_name, row.table_name, row.index_name)
        other = (row.schema_name, row.table_name, row.other_name)
        if is_superfluous(row) and this not in told and other not in told:
            told.add(this)
            yield _finding(row)


def is_superfluous(row: OverlappingIndexes) -> bool:
    """Of twins the one to go is the hidden one, the one that is not unique, or the one whose name comes later."""
    if row.other_is_hidden and not row.is_hidden:
        return False
    if not row.is_equal:
        return not row.is_unique
    if row.is_unique != row.other_is_unique:
        return not row.is_unique
    return row.other_name == "PRIMARY" or row.is_hidden > row.other_is_hidden or row.index_name > row.other_name


def _finding(row: OverlappingIndexes) -> Finding:
    name = index_name(row.schema_name, row.table_name, row.index_name)
    other = index_name(row.schema_name, row.table_name, row.other_name)
    say = _SAME if row.is_equal else _PREFIX
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, name, "index", say(index=name, size=row.size_bytes, other=other),
        measured(
            OverlappingIndexes,
            duplicates=(other, "name"),
            size=(row.size_bytes, "bytes"),
            columns=(", ".join(row.columns), "text"),
            columns_of_the_other=(", ".join(row.other_columns), "text"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "index": row.index_name, "other": row.other_name,
            "columns": row.columns, "is_equal": row.is_equal, "is_unique": row.is_unique,
            "is_hidden": row.is_hidden, "size_bytes": row.size_bytes,
        },
    )  # fmt: skip
