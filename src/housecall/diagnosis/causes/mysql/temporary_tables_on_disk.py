"""A hot statement on MySQL or MariaDB writes temporary tables to disk. Where the server's limit for those in memory is
far too low for everybody, that setting is the cause and not the statement."""

import re
from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.checks.mysql._counters import MB, number
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
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
CAUTION = Say(
    en="Every session may take that much for each of its temporary tables.",
    zh="每个会话的每张临时表都可能占用这么多内存。",
)
WANTED_BYTES = 64 * MB
MOST_BYTES = 256 * MB


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.statement_temporary_tables"):
        if is_by_the_limit(finding, found, now):
            continue
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(table=", ".join(details["tables"]) or "?", tables=details["tables_on_disk"]),
            (application_change(_FIX()), *_raise(finding, now)), confidence=0.75,
            absorbs=found.of("mysql.temporary_table_size"),
        )  # fmt: skip


def _raise(finding: Finding, now: Snapshot) -> tuple[Remedy, ...]:
    """Room in memory for such tables, where they may be there at all and the limit is not generous already."""
    if now.facts.version.flavour == "mariadb" and _reads_text(finding, now):
        return ()
    remedy = larger_tables(now, min(number(now, "tmp_table_size") or 0.0, number(now, "max_heap_table_size") or 0.0))
    return (remedy,) if remedy else ()


def larger_tables(now: Snapshot, size: float) -> Remedy | None:
    """Every setting that keeps the size of tables in memory below the wanted one."""
    wanted = int(min(max(4 * size, WANTED_BYTES), MOST_BYTES))
    changes = [
        Change(name, str(wanted), str(int(value)))
        for name in ("tmp_table_size", "max_heap_table_size")
        if (value := number(now, name)) is not None and value < wanted
    ]
    return set_variables(now.facts.version, changes, caution=CAUTION()) if changes else None


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
