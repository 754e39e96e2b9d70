"""Tables of the engine MEMORY that are as large as they may become.

Why it matters: every further INSERT fails (error 1114, "The table is full"); the rows are lost at a restart anyhow.
How to fix: delete what is not needed, or convert the table to InnoDB; a larger limit holds only for tables that are
made or altered after it.
Cannot see: the limit under which a table was made, when max_heap_table_size was changed since.
Source: MySQL manual, "The MEMORY Storage Engine" and max_heap_table_size.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, number, table_name
from housecall.diagnosis.checks.mysql._refused import refused
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatementError, Variable
from housecall.engines.mysql.rows.tables import ForeignEngineTable
from housecall.wording import Say

CHECK = Check(
    id="mysql.full_memory_tables",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say("Full tables in memory", "MEMORY 表已满"),
    thresholds=[
        Threshold(
            "full_share", 0.9, "of max_heap_table_size; rows go in by blocks, so that it is full a little before"
        ),
        Threshold("recent_seconds", 15 * 60.0, "an error as new as this goes on"),
    ],
)
_FULL = Say(
    "{table} (engine MEMORY) takes {size:bytes} of the {limit:bytes} that max_heap_table_size allows.",
    "{table}（MEMORY 引擎）已占用 {size:bytes}，max_heap_table_size 允许 {limit:bytes}。",
)
_ERROR = (1114,)
_NAMED = re.compile(r"'(?:\./)?(?:[^'/.]+[/.])?([^'/.]+)'")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    limit, failed = number(now, "max_heap_table_size"), refused(now, _ERROR)
    if not limit:
        return
    named = {found[1] for message in (failed.messages if failed else ()) if (found := _NAMED.search(message))}
    times = failed.times if failed else 0
    goes_on = failed is not None and failed.is_recent(limits["recent_seconds"])
    for row in now.rows(ForeignEngineTable):
        is_full = row.size_bytes >= limits["full_share"] * limit or row.table_name in named
        if row.engine.lower() == "memory" and is_full:
            table = table_name(row.schema_name, row.table_name)
            yield Finding(
                CHECK.id, CHECK.item, Severity.WARNING if goes_on else Severity.NOTICE, table, "table",
                _FULL(table=table, size=row.size_bytes, limit=limit),
                measured(ForeignEngineTable, size=(row.size_bytes, "bytes"), rows=(row.live_rows, "count"))
                + measured(Variable, max_heap_table_size=(limit, "bytes"))
                + measured(StatementError, table_is_full=(times or None, "count")),
                details={"table": table, "size": row.size_bytes, "limit": limit, "failed": times},
            )  # fmt: skip
