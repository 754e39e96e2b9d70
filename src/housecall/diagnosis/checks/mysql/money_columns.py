"""Columns that are named like money and are FLOAT or DOUBLE.

Why it matters: binary floating point holds 0.1 as 0.1000000000000000055; sums are off by cents and = finds nothing.
How to fix: DECIMAL(12, 2) or an integer of cents; the change copies the table.
Source: MySQL manual, "Problems with Floating-Point Values"; see also MySQLTuner and Alibaba's SQL lint.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import MoneyColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.money_columns",
    item="schema_object_analysis",
    severity=Severity.INFO,
    title=Say(en="Money in floating point", zh="用浮点类型保存金额"),
    thresholds=[Threshold("most", 20, "columns that a person still reads; the rest follow the same rule")],
)
_MONEY = Say(
    en="{column} is {type}, which cannot hold decimal amounts exactly.",
    zh="{column} 的类型是 {type}，无法精确保存十进制金额。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(MoneyColumn)[: int(limits["most"])]:
        name = f"{table_name(row.schema_name, row.table_name)}({quote_identifier(row.column_name)})"
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, name, "column", _MONEY(column=name, type=row.column_type),
            measured(MoneyColumn, column_type=(row.column_type, "text")), details={"column": name},
        )  # fmt: skip
