"""A hot statement on MySQL or MariaDB fetches large columns of many rows that a list does not show."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="wide_rows_fetched",
    title=Say(en="All columns of many rows", zh="大量读取宽行"),
    checks=("mysql.wide_rows_fetched", "mysql.top_statements"),
)
_SUMMARY = Say(
    en="SELECT * on {table} fetches {columns} with each of {rows:count} rows a call.",
    zh="对 {table} 的 SELECT * 每次调用返回 {rows:count} 行，每行都带上 {columns}。",
)
_FIX = Say(
    en="Name the columns that are needed; fetch {columns} only for the row that is opened",
    zh="只列出需要的列；{columns} 仅在打开单行时再取",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.wide_rows_fetched"):
        details = finding.details
        columns = ", ".join(details["large_columns"])
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(table=", ".join(details["tables"]) or "?", columns=columns, rows=details["returned"]),
            (application_change(_FIX(columns=columns)),), confidence=0.5,
        )  # fmt: skip
