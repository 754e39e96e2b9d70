"""Indexes that are the same as another index of their table.

Why it matters: both are written on every change and kept in memory, and the planner uses one of them.
How to fix: drop the one that enforces nothing; which of the twins stays is decided below.
Same means: access method, columns in order, operator classes, collations, sort options, included columns, expressions
and
predicate are equal, so a partial index or one with text_pattern_ops is no twin of a plain one.
Source: PostgreSQL manual, "pg_index".
"""

from collections.abc import Iterator
from dataclasses import dataclass

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import OverlappingIndexes
from housecall.wording import Say

CHECK = Check(
    id="postgresql.duplicate_index",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Duplicate indexes", zh="重复索引"),
)
_SAME = Say(
    en="{index} ({size:bytes}) is the same index as {other}: one of the two is only cost.",
    zh="索引 {index}（{size:bytes}）与 {other} 完全相同，其中一个只会增加开销。",
)


@dataclass(frozen=True, slots=True)
class Twin:
    """One index of a pair, with what speaks for keeping it."""

    name: str
    definition: str
    size_bytes: int
    scans: int
    is_constraint: bool
    is_marked: bool
    is_unique: bool
    number: int

    @property
    def worth(self) -> tuple[bool, bool, bool, int]:
        """The twin with the greater worth stays: a constraint, a replica identity or clustering mark, uniqueness,
        age."""
        return (self.is_constraint, self.is_marked, self.is_unique, -self.number)


def twins(row: OverlappingIndexes) -> tuple[Twin, Twin]:
    """The index of the row and the other one."""
    return (
        Twin(
            row.index_name, row.definition, row.size_bytes, row.scans, row.is_constraint, row.is_marked, row.is_unique,
            row.index_id,
        ),
        Twin(
            row.other_name, row.other_definition, row.other_size_bytes, row.other_scans, row.other_is_constraint,
            row.other_is_marked, row.other_is_unique, row.other_id,
        ),
    )  # fmt: skip


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    told: set[str] = set()
    for row in now.rows(OverlappingIndexes):
        lesser, better = twins(row)
        if row.is_equal and lesser.worth < better.worth and lesser.name not in told:
            told.add(lesser.name)
            yield pair_finding(CHECK, row, lesser, better, _SAME)


def pair_finding(check: Check, row: OverlappingIndexes, lesser: Twin, better: Twin, say: Say) -> Finding:
    """The finding that `lesser` can go because `better` does its work."""
    name, other = table_name(row.schema_name, lesser.name), table_name(row.schema_name, better.name)
    return Finding(
        check.id, check.item, Severity.NOTICE, name, "index",
        say(index=name, size=lesser.size_bytes, other=other),
        measured(
            OverlappingIndexes,
            duplicates=(other, "name"),
            size=(lesser.size_bytes, "bytes"),
            index_scans=(lesser.scans, "count"),
            scans_of_the_other=(better.scans, "count"),
            definition=(lesser.definition, "text"),
            definition_of_the_other=(better.definition, "text"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "index": lesser.name, "other": better.name,
            "definition": lesser.definition, "other_definition": better.definition, "size_bytes": lesser.size_bytes,
            "scans": lesser.scans, "other_scans": better.scans, "is_constraint": lesser.is_constraint,
            "is_partitioned": row.is_partitioned, "writes": row.table_writes, "is_equal": row.is_equal,
        },
    )  # fmt: skip
