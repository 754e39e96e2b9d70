"""Tables whose updates seldom find room beside the old row, so that every index is written too.

Why it matters: an update that stays on its page (HOT) touches no index; the others write each index and leave more for
vacuum.
How to fix: fillfactor 80 to 90 for the table (holds for new pages), and no index on a column that changes with every
update.
Source: PostgreSQL manual, "Heap-Only Tuples (HOT)"; see also check_pgactivity and pgAssistant.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import TableTraits
from housecall.wording import Say

CHECK = Check(
    id="postgresql.hot_updates",
    item="storage_engine_analysis",
    severity=Severity.INFO,
    title=Say("Updates write every index", "更新很少走 HOT"),
    thresholds=[
        Threshold("min_updates", 100_000, "fewer cost nothing that anybody would notice"),
        Threshold("low_share", 0.3, "of the updates; tables with room reach 0.9"),
        Threshold("min_indexes", 2, "the primary key alone is cheap to write"),
    ],
)
_SELDOM = Say(
    "Only {share:percent} of {updated:count} updates of {table} stayed on the row's page; the others wrote its"
    " {indexes:count} indexes (fillfactor {fillfactor}).",
    "{table} 的 {updated:count} 次更新中只有 {share:percent} 留在原数据页（HOT）；其余都要写 {indexes:count} 个索引"
    "（fillfactor {fillfactor}）。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(TableTraits):
        share = row.hot_updated / max(row.updated, 1)
        if row.updated < limits["min_updates"] or share >= limits["low_share"] or row.indexes < limits["min_indexes"]:
            continue
        name = table_name(row.schema_name, row.table_name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, name, "table",
            _SELDOM(share=share, updated=row.updated, table=name, indexes=row.indexes, fillfactor=row.fillfactor),
            measured(
                TableTraits,
                updates=(row.updated, "count"),
                updates_on_the_same_page=(row.hot_updated, "count"),
                indexes=(row.indexes, "count"),
                fillfactor=(row.fillfactor, "percent"),
            ),
        )  # fmt: skip
