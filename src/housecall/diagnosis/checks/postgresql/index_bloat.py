"""Large B-tree indexes with much more room than their entries need.

Why it matters: a bloated index is read, cached and backed up at its full size.
How to fix: REINDEX INDEX CONCURRENTLY.
Cannot see: the real free space; this is an estimate from the width of the keys, without deduplication, so it errs on
the safe side.
Source: PostgreSQL manual, "B-Tree Indexes", Implementation; pgstattuple's pgstatindex() measures it exactly.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import BloatedIndex
from housecall.wording import Say

CHECK = Check(
    id="postgresql.index_bloat",
    item="storage_engine_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Bloated indexes", zh="索引膨胀"),
    thresholds=[
        Threshold(
            "min_wasted_bytes",
            100 * 1024 * 1024,
            "postgres-mcp and check_pgactivity start here; less is not worth the rebuild",
        ),
        Threshold("min_wasted_share", 0.5, "a B-tree that lives is a third empty by nature"),
    ],
)
_BLOATED = Say(
    en="{index} has {size:bytes} but its {entries:count} entries need about {needed:bytes} (an estimate).",
    zh="索引 {index} 占 {size:bytes}，而其 {entries:count} 个条目估计只需约 {needed:bytes}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(BloatedIndex):
        wasted = row.size_bytes - row.needed_bytes
        if wasted >= limits["min_wasted_bytes"] and wasted >= limits["min_wasted_share"] * row.size_bytes:
            name = table_name(row.schema_name, row.index_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, name, "index",
                _BLOATED(index=name, size=row.size_bytes, entries=row.entries, needed=row.needed_bytes),
                measured(
                    BloatedIndex,
                    size=(row.size_bytes, "bytes"),
                    estimated_need=(row.needed_bytes, "bytes"),
                    entries=(row.entries, "count"),
                    index_scans=(row.scans, "count"),
                ),
                details={
                    "schema": row.schema_name, "table": row.table_name, "index": row.index_name,
                    "size_bytes": row.size_bytes, "needed_bytes": row.needed_bytes, "scans": row.scans,
                },
            )  # fmt: skip
