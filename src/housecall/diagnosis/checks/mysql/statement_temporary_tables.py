"""Hot statements that write their intermediate rows into temporary tables on disk.

Why it matters: the table is created, filled, read and dropped on disk for each call.
How to fix: an index that gives the order of GROUP BY or DISTINCT, or fewer and narrower columns: a TEXT or BLOB in the
list forces the table onto disk on MariaDB, whatever the memory.
Source: MySQL manual, "Internal Temporary Table Use in MySQL"; pt-query-digest's tmp disk tables.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import hot_statements
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="mysql.statement_temporary_tables",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Statements with temporary tables on disk", zh="使用磁盘临时表的语句"),
    thresholds=[
        Threshold("min_tables", 0.5, "on disk a call: less often it is the size of the data that decides"),
        Threshold("min_share", 0.05, "of all statement time: less is a report"),
        Threshold("min_calls", 5, "what ran less often is somebody's report and not the load"),
        Threshold("warning_share", 0.2, "of all statement time: a fifth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.05, "mean time of a run; a faster one hurts nobody yet"),
    ],
    needs_window=True,
)
_WRITES = Say(
    en="Each call writes {tables:number} temporary tables to disk: {statement:code}.",
    zh="每次调用在磁盘上写 {tables:number} 张临时表：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(TopStatement)
    for statement in hot_statements(now, earlier):
        calls = statement.calls or 0
        if calls < limits["min_calls"] or statement.share < limits["min_share"]:
            continue
        tables = statement.tmp_disk_tables / calls
        if tables >= limits["min_tables"]:
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _WRITES(tables=tables, statement=statement.text), tables_on_disk=tables,
            )  # fmt: skip
