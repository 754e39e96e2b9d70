"""Foreign keys whose columns no index of the referencing table leads with.

Why it matters: for every row deleted in the parent, or whose key changes, the server looks for children; without an
index it
reads the whole child table each time, holding locks meanwhile.
How to fix: an index on the foreign key's columns, built concurrently.
Cannot see: whether updates of the parent touched its key (most do not), so only deletes count as use.
Source: PostgreSQL manual, "Constraints", Foreign Keys: "it is often a good idea to index the referencing columns too".
"""

from collections.abc import Iterator

from housecall.advisor.index.benefit import INDEX_ROW_COST
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import counterpart, measured, statistics_seconds, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.indexes import BareForeignKey
from housecall.wording import Say

CHECK = Check(
    id="postgresql.foreign_key_without_index",
    item="schema_object_analysis",
    severity=Severity.WARNING,
    title=Say(en="Foreign keys without an index", zh="外键列缺少索引"),
    thresholds=[
        Threshold("min_rows", 10_000, "a smaller child table is scanned in under a few milliseconds"),
        Threshold("hurting_deletes", 5, "deletes in the parent that each had to scan the child, enough to be a habit"),
        Threshold(
            "hurting_rows", 1_000_000, "child rows that those deletes had to read together before anybody can feel it"
        ),
        Threshold("part_rows", 1_000, "entries of an index on a part of the key that each delete reads: a millisecond"),
    ],
)
_IDLE = Say(
    en="Foreign key {constraint} ({child}) to {parent} has no index on the child side: a delete in {parent} would scan"
    " {rows:count} row{rows:|s}.",
    zh="外键 {constraint}（{child}）引用 {parent}，但子表侧没有索引：在 {parent} 中删除一行要扫描 {rows:count} 行。",
)
_HURTS_BY_PART = Say(
    en="{deletes:count} delete{deletes:|s} in {parent} each had to look for children in {child} by index {index}, which"
    " has only a part of the key: {rows:count} entries each.",
    zh="{parent} 发生 {deletes:count} 次删除，每次都只能用仅含部分键列的索引 {index} 在 {child} 中查找子行，"
    "每次读取 {rows:count} 个索引项。",
)
_HURTS = Say(
    en="{deletes:count} delete{deletes:|s} in {parent} each had to look for children in {child}"
    " ({rows:count} row{rows:|s}) without an"
    " index.",
    zh="{parent} 发生 {deletes:count} 次删除，每次都要在没有索引的 {child}（{rows:count} 行）中查找子行。",
)

OWN_SHARE = 0.5
"""Of what an index is read for: from here on the deletes are what reads it."""


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    age = statistics_seconds(now)
    for row in now.rows(BareForeignKey):
        if row.live_rows >= limits["min_rows"]:
            yield _finding(row, earlier, limits, age)


def hurts(row: BareForeignKey, limits: Limits) -> bool:
    """Whether deletes in the parent really scanned the child: both sides' counters must show it."""
    scans = min(row.parent_deleted, row.sequential_scans)
    return (
        scans >= limits["hurting_deletes"] and min(row.sequential_rows, scans * row.live_rows) >= limits["hurting_rows"]
    )


def hurts_by_part(row: BareForeignKey, limits: Limits) -> bool:
    """Whether deletes in the parent read long stretches of an index that has only a part of the key, and are most of
    what that index is read for. A row through an index counts as four of a scan."""
    if row.parent_deleted < max(limits["hurting_deletes"], OWN_SHARE * row.part_scans) or not row.part_scans:
        return False
    each = row.part_rows / row.part_scans
    read = each * min(row.parent_deleted, row.part_scans)
    return each >= limits["part_rows"] and read * INDEX_ROW_COST >= limits["hurting_rows"]


def _finding(row: BareForeignKey, earlier: Snapshot | None, limits: Limits, age: float) -> Finding:
    table, parent = table_name(row.schema_name, row.table_name), table_name(row.parent_schema, row.parent_table)
    child = f"{table}({', '.join(map(quote_identifier, row.columns))})"
    by_part = not hurts(row, limits) and hurts_by_part(row, limits)
    is_hurting = by_part or hurts(row, limits)
    before = counterpart(row, earlier, lambda each: (each.schema_name, each.table_name, each.constraint_name))
    part_rows = round(row.part_rows / row.part_scans) if by_part else None
    message = (
        _HURTS_BY_PART(
            deletes=row.parent_deleted, parent=parent, child=child, index=row.part_index or "", rows=part_rows
        )
        if by_part
        else _HURTS(deletes=row.parent_deleted, parent=parent, child=child, rows=row.live_rows)
        if is_hurting
        else _IDLE(constraint=row.constraint_name, child=child, parent=parent, rows=row.live_rows)
    )
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_hurting else Severity.INFO, child, "constraint", message,
        measured(
            BareForeignKey,
            constraint=(row.constraint_name, "name"),
            parent=(parent, "name"),
            index_of_another_type=(row.other_index, "name"),
            child_rows=(row.live_rows, "count"),
            child_size=(row.size_bytes, "bytes"),
            parent_deletes=(row.parent_deleted, "count"),
            child_sequential_scans=(row.sequential_scans, "count"),
            child_sequential_rows=(row.sequential_rows, "count"),
            index_of_a_part=(row.part_index if by_part else None, "name"),
            entries_of_it_each=(part_rows, "count"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "columns": row.columns,
            "constraint": row.constraint_name,
            "parent_schema": row.parent_schema, "parent_table": row.parent_table, "live_rows": row.live_rows,
            "size_bytes": row.size_bytes, "parent_deleted": row.parent_deleted, "hurts": is_hurting,
            "sequential_scans": row.sequential_scans, "sequential_rows": row.sequential_rows,
            "on_delete": row.on_delete, "is_partitioned": row.is_partitioned, "age_seconds": age,
            "deleted_before": before.parent_deleted if before else None, "other_index": row.other_index,
            "part_index": row.part_index if by_part else None, "part_rows": part_rows, "part_scans": row.part_scans,
            "column_types": row.column_types, "compared_types": row.compared_types,
        },
    )  # fmt: skip
