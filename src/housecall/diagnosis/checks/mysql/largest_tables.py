"""Where the space is: the largest tables, when one of them holds most of a large server.

Why it matters: a table that grows for ever makes backups, ALTER TABLE and recovery long.
How to fix: archive or partition by time, while it still can be copied in an hour.
Source: the practice of the inspection of ApsaraDB RDS.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import GB
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import LargestTable
from housecall.wording import Say

CHECK = Check(
    id="mysql.largest_tables",
    item="storage_engine_analysis",
    severity=Severity.INFO,
    title=Say(en="One table holds most of the space", zh="单表占用过大"),
    thresholds=[
        Threshold("least_bytes", 50 * GB, "copied in about a quarter of an hour; beyond it ALTER TABLE needs a plan"),
        Threshold("share", 0.3, "of all tables"),
    ],
)
_HOLDS = Say(
    en="{table} ({rows:count} rows) takes {size:bytes}, {share:percent} of all {tables:count} tables.",
    zh="{table}（{rows:count} 行）占 {size:bytes}，为全部 {tables:count} 张表的 {share:percent}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(LargestTable):
        size = row.data_bytes + row.index_bytes
        share = size / max(row.all_bytes, 1)
        if size >= limits["least_bytes"] and share >= limits["share"]:
            name = table_name(row.schema_name, row.table_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, name, "table",
                _HOLDS(table=name, rows=row.live_rows, size=size, share=share, tables=row.tables),
                measured(LargestTable, size=(size, "bytes"), share=(round(share, 3), "share"),
                         rows=(row.live_rows, "count")),
                details={"schema": row.schema_name, "table": row.table_name, "size_bytes": size},
            )  # fmt: skip
