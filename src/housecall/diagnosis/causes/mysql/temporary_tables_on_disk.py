"""A hot statement on MySQL or MariaDB writes temporary tables to disk. Where the server's limit for those in memory is
far too low for everybody, that setting is the cause and not the statement."""

import re
from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CAUSE = CauseRule(
    id="temporary_tables_on_disk",
    title=Say(en="A statement with temporary tables on disk", zh="语句使用磁盘临时表"),
    checks=("mysql.statement_temporary_tables", "mysql.top_statements", "mysql.temporary_table_size"),
)
_SUMMARY = Say(
    en="A hot statement on {table} writes {tables:number} temporary tables to disk on each call.",
    zh="针对 {table} 的热点语句每次调用在磁盘上写 {tables:number} 张临时表。",
)
_FIX = Say(
    en="Take TEXT and BLOB columns out of what is grouped or made distinct (join them afterwards), or give the order of"
    " GROUP BY by an index",
    zh="不要对 TEXT、BLOB 列分组或去重（事后再连接取回），或用索引给出 GROUP BY 的顺序",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.statement_temporary_tables"):
        if is_by_the_limit(finding, found, now):
            continue
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(table=", ".join(details["tables"]) or "?", tables=details["tables_on_disk"]),
            (application_change(_FIX()),), confidence=0.75, absorbs=found.of("mysql.temporary_table_size"),
        )  # fmt: skip


def is_by_the_limit(finding: Finding, found: Found, now: Snapshot) -> bool:
    """Whether the server's limit is what sends this statement's tables to disk. MariaDB keeps none with TEXT or BLOB
    in memory, whatever the limit."""
    is_low = any(each.details["is_low"] for each in found.of("mysql.temporary_table_size"))
    return is_low and not (now.facts.version.flavour == "mariadb" and _reads_text(finding, now))


def _reads_text(finding: Finding, now: Snapshot) -> bool:
    rows = now.get(LargeTableColumn)
    words = set(re.findall(r"\w+", finding.details["text"].lower()))
    return any(
        re.search("text|blob|json", row.column_type)
        and table_name(row.schema_name, row.table_name) in finding.details["tables"]
        and row.column_name.lower() in words
        for row in (() if isinstance(rows, Unavailable) else rows)
    )
