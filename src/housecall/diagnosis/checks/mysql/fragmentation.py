"""Tables whose file holds much free space, left by deletes.

Why it matters: the space is not given back to the disk, backups of files copy it, and scans read half-empty pages.
How to fix: OPTIMIZE TABLE off peak, which rebuilds the table; only where it will not be filled again by itself.
InnoDB keeps 4 to 7 MB ready in every file, and more in large ones, so small amounts are not told.
Cannot see: free space within pages; DATA_FREE of a table in the shared tablespace, which is that of the whole space,
and is left out.
Source: MySQL manual, "OPTIMIZE TABLE Statement" and DATA_FREE of information_schema.TABLES; see also MySQLTuner and
the inspection of ApsaraDB RDS.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import MB, switch
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import FragmentedTable
from housecall.wording import Say

CHECK = Check(
    id="mysql.fragmentation",
    item="storage_engine_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Free space inside tables", zh="表空间碎片"),
    thresholds=[
        Threshold("least_free_bytes", 20 * MB, "three times what InnoDB keeps ready in a file by itself"),
        Threshold("free_share", 0.3, "of the file; common practice has 20 to 30 %"),
        Threshold("large_free_bytes", 1024 * MB, "of one table is worth an hour of work"),
    ],
)
_FREE = Say(
    en="{table} has {free:bytes} free inside ({share:percent} of its file), beside {used:bytes} in use.",
    zh="{table} 内部有 {free:bytes} 空闲（占文件的 {share:percent}），实际使用 {used:bytes}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.rows(FragmentedTable)
    shared = {row.free_bytes for row in rows} if switch(now, "innodb_file_per_table") is False else set()
    for row in rows:
        share = row.free_bytes / max(row.free_bytes + row.used_bytes, 1)
        if row.free_bytes < limits["least_free_bytes"] or share < limits["free_share"]:
            continue
        if row.engine == "InnoDB" and row.free_bytes in shared and len(shared) < len(rows):
            continue  # several tables with the same amount free lie in one shared file
        name = table_name(row.schema_name, row.table_name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, name, "table",
            _FREE(table=name, free=row.free_bytes, share=share, used=row.used_bytes),
            measured(FragmentedTable, free=(row.free_bytes, "bytes"), free_share=(round(share, 3), "share"),
                     used=(row.used_bytes, "bytes")),
            details={"schema": row.schema_name, "table": row.table_name, "engine": row.engine,
                     "free_bytes": row.free_bytes, "used_bytes": row.used_bytes, "share": share},
        )  # fmt: skip
