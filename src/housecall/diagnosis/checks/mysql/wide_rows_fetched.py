"""Hot statements that fetch every column of many rows, large texts included.

Why it matters: TEXT, BLOB and JSON values are stored on pages of their own and read one by one; they fill the buffer
pool, the network and the application's memory, and force temporary tables onto disk.
How to fix: name the columns that the page shows; fetch the large ones for the one row that is opened.
Cannot see: how large the values are; a notice, never a warning.
Source: MySQL manual, "Limits on Table Column Count and Row Size" and "Internal Temporary Table Use".
"""

from collections.abc import Iterator

from housecall.advisor.shape import SelectsAllColumns, statement_shape
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._shapes import statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, is_hot, table_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.wide_rows_fetched",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say(en="All columns of many rows", zh="大量读取宽行"),
    thresholds=[
        Threshold("min_share", 0.1, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.002, "mean time of a run; a faster one moves few bytes"),
        Threshold("min_rows", 50, "rows a call: a page of rows is shown, a single row may be opened"),
    ],
    needs_window=True,
)
_WIDE = Say(
    en="SELECT * fetches {columns} with each of {rows:count} rows a call: {statement:code}.",
    zh="SELECT * 每次调用返回 {rows:count} 行，每行都带上 {columns}：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(LargeTableColumn)
    for statement in hot_statements(now, earlier):
        many = statement.returned is not None and statement.returned >= limits["min_rows"]
        if not many or not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        found = all_columns(statement, now)
        if found is not None and found.large_columns:
            yield statement_finding(
                CHECK, statement, now, Severity.NOTICE,
                _WIDE(columns=", ".join(found.large_columns), rows=statement.returned, statement=statement.text),
                large_columns=list(found.large_columns), width=found.width,
            )  # fmt: skip


def all_columns(statement: HotStatement, now: Snapshot) -> SelectsAllColumns | None:
    """`SELECT *` with the large columns that it drags along, as far as the tables are known."""
    known = [table for name in statement.shape.tables if (table := table_of(now, statement, name)) is not None]
    types = {table.name: {column.column_name: column.data_type for column in table.columns.values()} for table in known}
    return statement_shape(statement.sql, "mysql", types).all_columns
