"""Collations whose library sorts by another version than the indexes were built under.

Why it matters: after an upgrade of the operating system's libc or of ICU, text indexes may be in the wrong order:
rows are not found and
unique indexes let duplicates in.
How to fix: rebuild the indexes that use the collation, then record the new version.
Cannot see: before version 15 the database's own collation has no recorded version.
Source: PostgreSQL manual, ALTER COLLATION, Notes.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import UsedCollation
from housecall.wording import Say

CHECK = Check(
    id="postgresql.collation_version",
    item="schema_object_analysis",
    severity=Severity.WARNING,
    title=Say(en="Collation changed under its indexes", zh="排序规则版本与索引不一致"),
)
_CHANGED = Say(
    en="Collation {name} was at version {recorded} when {indexes:count} index{indexes:|es}"
    " {indexes:was|were} built, and is at {actual} now:"
    " their order"
    " may be wrong.",
    zh="{indexes:count} 个索引建立时排序规则 {name} 为版本 {recorded}，现在是 {actual}：索引顺序可能已不正确。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for row in now.rows(UsedCollation):
        if row.recorded_version and row.actual_version and row.recorded_version != row.actual_version:
            yield Finding(
                CHECK.id, CHECK.item, Severity.WARNING, row.name, "database" if row.is_database_default else "index",
                _CHANGED(name=row.name, recorded=row.recorded_version, actual=row.actual_version, indexes=row.indexes),
                measured(
                    UsedCollation,
                    recorded_version=(row.recorded_version, "text"),
                    actual_version=(row.actual_version, "text"),
                    indexes=(row.indexes, "count"),
                ),
                details={
                    "name": row.name, "is_default": row.is_database_default, "database": now.facts.database,
                    "indexes": row.indexes,
                },
            )  # fmt: skip
