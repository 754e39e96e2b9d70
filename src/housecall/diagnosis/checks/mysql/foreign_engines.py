"""Tables of the application that are not InnoDB.

Why it matters: MyISAM and Aria lock the whole table for each write and a MyISAM table may be damaged by a crash; MEMORY
tables are empty after a restart.
How to fix: ALTER TABLE … ENGINE=InnoDB, off peak, since it copies the table while writes wait.
Cannot see: whether a table is meant to be so (a cache in MEMORY, an archive).
Source: MySQL manual, "Alternative Storage Engines"; see also MySQLTuner and Alibaba's SQL lint. Waits for such tables
are told by the locks.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import ForeignEngineTable
from housecall.wording import Say

CHECK = Check(
    id="mysql.foreign_engines",
    item="storage_engine_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Tables that are not InnoDB", zh="非 InnoDB 表"),
    thresholds=[Threshold("notice_bytes", 1024 * 1024, "smaller ones are somebody's lists")],
)
MEANT_TO_BE = ("SPIDER", "CONNECT", "FEDERATED", "ROCKSDB", "COLUMNSTORE", "S3", "NDBCLUSTER", "BLACKHOLE", "SEQUENCE",
               "TOKUDB", "MROONGA", "SPHINX")  # fmt: skip
_IS = Say(
    en="{table} ({rows:count} rows, {size:bytes}) is kept in {engine}.",
    zh="{table}（{rows:count} 行，{size:bytes}）使用 {engine} 引擎。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(ForeignEngineTable):
        if row.engine.upper() in MEANT_TO_BE:
            continue
        name = table_name(row.schema_name, row.table_name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE if row.size_bytes >= limits["notice_bytes"] else Severity.INFO,
            name, "table", _IS(table=name, rows=row.live_rows, size=row.size_bytes, engine=row.engine),
            measured(ForeignEngineTable, engine=(row.engine, "text"), rows=(row.live_rows, "count"),
                     size=(row.size_bytes, "bytes")),
            details={"schema": row.schema_name, "table": row.table_name, "engine": row.engine,
                     "size_bytes": row.size_bytes},
        )  # fmt: skip
