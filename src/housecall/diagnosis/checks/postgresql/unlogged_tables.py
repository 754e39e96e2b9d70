"""Tables that are emptied by a crash and are not on any standby.

Why it matters: an unlogged table is quick, and after a crash it is empty without a word.
How to fix: ALTER TABLE ... SET LOGGED (it rewrites the table under an exclusive lock) for what must not be lost.
Cannot see: whether the rows can be made anew, as in a staging table.
Source: PostgreSQL manual, CREATE TABLE, UNLOGGED; see also check_pgactivity and pgAssistant.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import TableTraits
from housecall.wording import Say

CHECK = Check(
    id="postgresql.unlogged_tables",
    item="storage_engine_analysis",
    severity=Severity.INFO,
    title=Say("Unlogged tables", "UNLOGGED 表"),
    thresholds=[
        Threshold("most", 5, "the largest; the total is told with each"),
    ],
)
_UNLOGGED = Say(
    "{table} ({rows:count} row{rows:|s}) is unlogged: a crash empties it, and no standby has it.",
    "{table}（{rows:count} 行）是 UNLOGGED 表：服务器崩溃后会被清空，备库上也没有。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    unlogged = [row for row in now.rows(TableTraits) if row.is_unlogged]
    for row in unlogged[: int(limits["most"])]:
        name = table_name(row.schema_name, row.table_name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, name, "table", _UNLOGGED(table=name, rows=row.live_rows),
            measured(TableTraits, live_rows=(row.live_rows, "count"), unlogged_tables=(len(unlogged), "count")),
        )  # fmt: skip
