"""Indexes whose key is the beginning of another index's key.

Why it matters: a search by the first columns of a longer B-tree index is served by that one; the shorter index is
written
on every change all the same.
How to fix: drop the shorter one when the longer is not many times larger.
Cannot see: that the shorter one is read much more often and its smaller size keeps it in memory (both sizes are told).
Source: PostgreSQL manual, "Multicolumn Indexes".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql.duplicate_index import pair_finding, twins
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import OverlappingIndexes
from housecall.wording import Say

CHECK = Check(
    id="postgresql.redundant_index",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Indexes covered by a longer one", zh="被更长索引覆盖的冗余索引"),
    thresholds=[
        Threshold(
            "max_size_ratio", 4, "a longer index several times larger is slower to read than the short one it replaces"
        ),
    ],
)
_COVERED = Say(
    en="{index} ({size:bytes}) is covered by {other}, whose key begins with the same columns.",
    zh="索引 {index}（{size:bytes}）已被 {other} 覆盖：后者的键以相同的列开头。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.rows(OverlappingIndexes)
    goes = {row.index_name for row in rows if row.is_equal and twins(row)[0].worth < twins(row)[1].worth}
    told: set[str] = set()
    for row in rows:
        lesser, better = twins(row)
        if (
            row.is_equal
            or lesser.name in goes | told
            or better.name in goes
            or lesser.is_constraint
            or lesser.is_marked
        ):
            continue
        if better.size_bytes <= limits["max_size_ratio"] * max(lesser.size_bytes, 8192):
            told.add(lesser.name)
            yield pair_finding(CHECK, row, lesser, better, _COVERED)
