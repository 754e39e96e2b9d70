"""Hot statements that fetch whole rows, large values included, by the thousand.

Why it matters: values over 2 kB lie outside the row; fetching them reads further blocks, unpacks them and sends
megabytes over the network, all for nothing where the application looks at one or two columns.
How to fix: name the columns that are needed; keep large values in a table of their own, or fetch them one by one.
Cannot see: which of the columns the application looks at.
Source: PostgreSQL manual, "TOAST"; bytes are counted by the size of table and large values over the rows.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_rare
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import WideTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.wide_rows",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("Wide rows fetched whole", "整行读取宽行"),
    thresholds=[
        Threshold("min_share", 0.05, "of all statement time; below it, nobody would notice the change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run; a faster one hurts nobody yet"),
        Threshold("min_large_bytes", 1024, "of large values a row; the server moves values out from about 2 kB a row"),
        Threshold("min_rows", 20, "rows a call: whoever fetches single documents wants them whole"),
        Threshold("min_call_bytes", 200 * 1024, "that one call fetches; less is a few network packets"),
        Threshold(
            "warning_call_bytes", 1024 * 1024, "that one call fetches: some ten milliseconds of a 1 Gbit/s network"
        ),
    ],
    needs_window=True,
)
_WHOLE = Say(
    "{statement:code} fetches whole rows of {table}: about {bytes:bytes} a call, most of it the large values of"
    " {columns}.",
    "{statement:code} 整行读取 {table}：每次约 {bytes:bytes}，大部分是大字段 {columns}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    tables = {row.table_name: row for row in now.rows(WideTable)}
    for statement in hot_statements(now, earlier):
        if statement.share < limits["min_share"] or is_rare(statement) or statement.kind not in ("SELECT", "WITH"):
            continue
        for row in (tables[name] for name in statement.shape.tables if name in tables):
            if _large_bytes(row) >= limits["min_large_bytes"] and fetches_whole(statement, row):
                yield from _judged(statement, row, now, limits)


def _judged(statement: HotStatement, row: WideTable, now: Snapshot, limits: Limits) -> Iterator[Finding]:
    rows = statement.rows_per_call
    call_bytes = None if rows is None else rows * (row.row_bytes + row.large_bytes) / max(row.live_rows, 1.0)
    if rows is None or call_bytes is None or rows < limits["min_rows"] or call_bytes < limits["min_call_bytes"]:
        return
    severity = severity_of(statement, limits["warning_share"], limits["warning_seconds"])
    if call_bytes < limits["warning_call_bytes"]:
        severity = Severity.NOTICE
    name = table_name(row.schema_name, row.table_name)
    finding = statement_finding(
        CHECK, statement, now, severity,
        _WHOLE(statement=statement.text, table=name, bytes=call_bytes, columns=", ".join(row.large_columns[:4])),
        table=name, schema=row.schema_name, large_columns=row.large_columns[:10], columns=row.columns,
        call_bytes=call_bytes, large_bytes=row.large_bytes, row_bytes=row.row_bytes, live_rows=row.live_rows,
    )  # fmt: skip
    more = measured(
        WideTable,
        bytes_a_call=(round(call_bytes), "bytes"),
        large_values=(row.large_bytes, "bytes"),
        live_rows=(row.live_rows, "count"),
        large_value_blocks_read=(row.large_blocks_touched, "blocks"),
    )
    yield Finding(
        finding.check, finding.item, finding.severity, finding.object, finding.object_kind, finding.message,
        finding.evidence + more, finding.details, finding.identity,
    )  # fmt: skip


def _large_bytes(row: WideTable) -> float:
    return row.large_bytes / max(row.live_rows, 1.0)


def fetches_whole(statement: HotStatement, row: WideTable) -> bool:
    """`SELECT *` of the table, or every one of its columns by name, as object mappers write it."""
    everything = statement.shape.all_columns
    if everything is not None and row.table_name in everything.tables:
        return True
    listed = re.split(r"\bfrom\b", statement.query, maxsplit=1, flags=re.I)[0]
    words = set(re.findall(r"[\w$]+", listed.lower()))
    return len(row.columns) >= 3 and all(column.lower() in words for column in row.columns)
