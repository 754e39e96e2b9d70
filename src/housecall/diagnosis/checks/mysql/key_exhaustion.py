"""AUTO_INCREMENT columns near the end of their type.

Why it matters: at the end every insert fails with a duplicate key.
How to fix: widen the column to BIGINT before that, which rewrites the table.
Source: MySQL manual, "Integer Types"; thresholds as in sys.schema_auto_increment_columns users' practice (checks of
MySQLTuner).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import AutoIncrement
from housecall.wording import Say

CHECK = Check(
    id="mysql.key_exhaustion",
    item="schema_object_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Number keys near their end", zh="整型主键即将耗尽"),
    thresholds=[
        Threshold("warning_share", 0.7, "leaves months to plan a rewrite at a steady rate"),
        Threshold("critical_share", 0.9, "what is left can go within days when the rate grows"),
    ],
)
_NEAR = Say(
    en="{column} ({type}) has used {share:percent} of its range; {left:count} inserts are left",
    zh="{column}（{type}）已用掉取值范围的 {share:percent}，还可插入 {left:count} 次",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(AutoIncrement):
        share = (row.next_value - 1) / row.max_value
        if share >= limits["warning_share"]:
            yield _finding(row, share, Severity.CRITICAL if share >= limits["critical_share"] else Severity.WARNING)


def _finding(row: AutoIncrement, share: float, severity: Severity) -> Finding:
    column = f"{table_name(row.schema_name, row.table_name)}.{quote_identifier(row.column_name)}"
    left = max(0, row.max_value - row.next_value + 1)
    return Finding(
        CHECK.id, CHECK.item, severity, column, "column",
        _NEAR(column=column, type=row.column_type, share=share, left=left),
        measured(
            AutoIncrement,
            used_share=(share, "share"),
            next_value=(row.next_value, "number"),
            largest_value=(row.max_value, "number"),
            inserts_left=(left, "count"),
            table_rows=(row.live_rows, "count"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "column": row.column_name, "type": row.column_type,
            "share": share, "left": left, "next_value": row.next_value, "max_value": row.max_value,
            "size_bytes": row.size_bytes, "live_rows": row.live_rows,
        },
    )  # fmt: skip
