"""A hot statement reads far more rows than it returns, for want of an index.

Explains the table's sequential scans, the costly statements that cause them, a low cache hit ratio while such scans
go on, and a
foreign key on the same column without an index. Where the scanning statement could not be seen, the table is named
with low confidence.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import same_table
from housecall.diagnosis.causes.postgresql._statement_causes import (
    CALLER,
    OVER,
    STATEMENT,
    application_change,
    index_remedy,
    scans_of_table,
    share_message,
    top_statements,
)
from housecall.diagnosis.checks.postgresql._measured import BLOCK_BYTES
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.tables import PartitionedTable
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="missing_index",
    title=Say(en="A missing index", zh="缺少索引"),
    checks=(
        "postgresql.missing_index",
        "postgresql.hot_sequential_scans",
        "postgresql.top_statements",
        "postgresql.cache_hit",
        "postgresql.foreign_key_without_index",
        "postgresql.correlated_subquery",
    ),
)
MIN_BLOCKS_SHARE = 0.1
"""Of the blocks that a scan reads: the table may have been smaller, and only some of the calls need scan it."""
MIN_CALLS = 5
"""As for the scans: fewer are a report."""

_SUMMARY = Say(
    en="{target} has no index: a hot statement reads about {before:count} row{before:|s} of the table to find about"
    " {after:count}.",
    zh="{target} 上缺少索引：热点语句每次要读约 {before:count} 行，才能找到约 {after:count} 行。",
)
_SUMMARY_OTHER = Say(
    en="{target} has no index that could serve: a hot statement reads about {before:count} row{before:|s} of the table"
    " to find about {after:count}.",
    zh="{target} 上没有可用的索引：热点语句每次要读约 {before:count} 行，才能找到约 {after:count} 行。",
)
_PATTERN = Say(
    en="Index {index} cannot serve LIKE 'abc%': it sorts by the rules of a language, not by bytes (text_pattern_ops).",
    zh="索引 {index} 无法用于 LIKE 'abc%'：它按语言规则排序，而不是按字节（text_pattern_ops）。",
)
_OTHER = Say(
    en="Index {index} ({method}) is on the same column and cannot serve this filter.",
    zh="索引 {index}（{method}）建在同一列上，但无法用于该过滤条件。",
)
_POLICY = Say(
    en="The condition is not in the statement: row policy {policy} adds it.",
    zh="该条件不在语句文本中，而是由行级安全策略 {policy} 附加的。",
)
_SCANS = Say(
    en="{table} was read from end to end {scans:count} time{scans:|s}: {rows:count} row{rows:|s} read.",
    zh="{table} 被全表扫描 {scans:count} 次，共读取 {rows:count} 行。",
)
_PLAN = Say(
    en="The server's plan for it reads the table without a fitting index.", zh="服务器给出的执行计划没有可用的索引。"
)
_ESTIMATE = Say(
    en="No plan was at hand: this is an estimate from the column's statistics.",
    zh="没有取到执行计划：这是根据列的统计信息估算的。",
)
_NO_STATISTICS = Say(
    en="Nothing is known of the column's values (no ANALYZE, or no privilege), so the row counts are assumed.",
    zh="不了解该列的取值分布（未 ANALYZE 或无权限），行数为假定值。",
)
_COUNTERS = Say(
    en="No plan was at hand: this rests on the statement's filter and the table's counters.",
    zh="没有取到执行计划：依据是语句的过滤条件和表的计数器。",
)
_PERHAPS = Say(
    en="{target} may lack an index: a statement that runs often filters by it, and nothing else is known.",
    zh="{target} 可能缺少索引：有频繁执行的语句按它过滤，除此之外没有其他依据。",
)
_TEXT_ONLY = Say(
    en="No plan, no statistics of the column and no sequential scans were seen: look at the plan with EXPLAIN before"
    " building it.",
    zh="没有看到执行计划、列统计信息或全表扫描：建索引前请先用 EXPLAIN 查看计划。",
)
_UNSEEN = Say(
    en="{table} ({rows:count} row{rows:|s}) is read from end to end again and again; which statement"
    " does it could not be"
    " seen.",
    zh="表 {table}（{rows:count} 行）被反复全表扫描，但没能看到是哪条语句。",
)
_FIND = Say(
    en="Find the statement: create pg_stat_statements, or EXPLAIN the statements on {table}; then index the column"
    " it filters by",
    zh="先找出语句：安装 pg_stat_statements，或对涉及 {table} 的语句执行 EXPLAIN；再对其过滤列建索引",
)

_UNNAMED = Say(
    en="{table} ({rows:count} row{rows:|s}) is read from end to end again and again, and none of the costly statements"
    " reads it by itself: the one that does runs inside a function, a trigger or a procedure, through a view or"
    " a cursor, or is ended before it can be counted.",
    zh="表 {table}（{rows:count} 行）被反复全表扫描，而高开销语句中没有一条直接读它："
    "扫描它的语句在函数、触发器或存储过程内部执行、通过视图或游标执行，或在计入统计之前就被中止。",
)
_FIND_INSIDE = Say(
    en="Find the statement: look at the functions and triggers that use {table}, or let pg_stat_statements count inside"
    " them for a while; then index the column it filters by",
    zh="先找出语句：查看用到 {table} 的函数和触发器，或让 pg_stat_statements 暂时统计其内部语句；再对其过滤列建索引",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    named = found.of("postgresql.missing_index")
    for finding in named:
        yield _cause(finding, found)
    others = (
        *named,
        *found.of("postgresql.wrong_index_order", "postgresql.function_on_column"),
        *[each for each in found.of("postgresql.foreign_key_without_index") if each.details["hurts"]],
    )
    shapes = [
        table
        for each in found.of("postgresql.leading_wildcard", "postgresql.implicit_cast", "postgresql.offset_pagination")
        for table in each.details["tables"]
    ]
    for scan in found.of("postgresql.hot_sequential_scans"):
        explained = any(_is_of(scan, each) for each in others) or scan.object in shapes
        names = {scan.object, *_parents(scan, now)}
        seen = any(_may_scan(each, scan, names) for each in found.of("postgresql.top_statements"))
        is_counted = found.not_looked("postgresql.top_statements") is None
        if not explained and not seen and not (is_counted and _may_be_builds(scan, now)):
            yield _unseen(scan, _callers(scan, found) if is_counted else [], is_counted=is_counted)


def _may_be_builds(scan: Finding, now: Snapshot) -> bool:
    """Whether the scans may be those of building the table's indexes, each of which is counted as one."""
    rows = now.get(HotIndex)
    details = scan.details
    built = [
        row
        for row in (() if isinstance(rows, Unavailable) else rows)
        if (row.schema_name, row.table_name) == (details["schema"], details["table"])
    ]
    return not details["scans_in_window"] and details["scans"] <= 2 * len(built)


def _parents(scan: Finding, now: Snapshot) -> list[str]:
    """The partitioned table that the scanned one is a part of, which statements name instead; bare where no reading
    tells their schema."""
    rows = now.get(PartitionedTable)
    schema, table = scan.details["schema"], scan.details["table"]
    return [
        name
        for row in (() if isinstance(rows, Unavailable) else rows)
        if row.schema_name == schema and table in row.names
        for name in (qualified(schema, row.table_name), row.table_name)
    ]


def _may_scan(statement: Finding, scan: Finding, names: set[str]) -> bool:
    """Whether the statement can be the one that scans: it reads the table by itself, under one of these names, and
    touches as many blocks as that takes. A text that cannot be read does not show it."""
    details = statement.details
    return details["understood"] and not names.isdisjoint(details["tables"]) and _touches_enough(statement, scan)


def _touches_enough(statement: Finding, scan: Finding) -> bool:
    """Whether a call touches as many blocks as a scan of this table has to."""
    blocks = statement.details["blocks_per_call"]
    read_share = scan.details["rows_per_scan"] / max(scan.details["live_rows"], 1)
    return blocks is None or blocks >= MIN_BLOCKS_SHARE * read_share * scan.details["size_bytes"] / BLOCK_BYTES


def _callers(scan: Finding, found: Found) -> list[Finding]:
    """The costly statements that do not read the table by themselves, but touch as many blocks as a scan of it."""
    return [
        each
        for each in found.of("postgresql.top_statements")
        if (each.details["calls"] or 0) >= MIN_CALLS and not each.details["is_over"] and _touches_enough(each, scan)
    ]


def _is_of(scan: Finding, other: Finding) -> bool:
    """Whether the scan is of the other finding's table, or of a partition of it."""
    is_partition = scan.details["table"] in other.details.get("partitions", ())
    return same_table(scan.details, other.details) or (
        is_partition and scan.details["schema"] == other.details["schema"]
    )


def confidence(finding: Finding, scans: list[Finding]) -> float:
    """A plan and the table's counters both prove it; without either it is a guess from the statement's text."""
    details = finding.details
    if not is_supported(finding):
        return 0.3
    proof = 0.6 + (0.2 if details["seen_in_plan"] else 0.0) + (0.15 if scans else 0.0)
    return proof if details["has_statistics"] else proof - 0.15


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    scans = scans_of_table(found, finding)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="column",
        severity=finding.severity,
        confidence=confidence(finding, scans),
        summary=_summary(finding),
        because=tuple(_because(finding, scans)),
        evidence=finding.evidence,
        remedies=(index_remedy(finding),),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in _explained(finding, scans, found)),
        impact=details["share"],
        past=details["is_over"],
    )


def is_supported(finding: Finding) -> bool:
    """Whether more than the text of the statement speaks for the index."""
    details = finding.details
    return bool(details["seen_in_plan"] or details["has_statistics"] or details["is_scanned"])


def _summary(finding: Finding) -> Message:
    details = finding.details
    if not is_supported(finding):
        return _PERHAPS(target=finding.object)
    say = _SUMMARY_OTHER if details["others"] else _SUMMARY
    return say(target=finding.object, before=details["rows_without"], after=max(details["rows_with"], 1))


def _because(finding: Finding, scans: list[Finding]) -> Iterator[Message]:
    details = finding.details
    yield share_message(details)
    yield STATEMENT(statement=details["text"])
    for scan in scans[:1]:
        yield _SCANS(table=scan.object, scans=scan.details["scans"], rows=scan.details["rows_read"])
    if details["policy"]:
        yield _POLICY(policy=details["policy"])
    for other in details["others"][:1]:
        if "text_pattern_ops" in details["operator_classes"] and other["method"] == "btree":
            yield _PATTERN(index=other["name"])
        else:
            yield _OTHER(index=other["name"], method=other["method"])
    if not is_supported(finding):
        yield _TEXT_ONLY()
        return
    yield _PLAN() if details["seen_in_plan"] else _ESTIMATE() if details["has_statistics"] else _COUNTERS()
    if not details["has_statistics"]:
        yield _NO_STATISTICS()
    if details["is_over"]:
        yield OVER()


def _explained(finding: Finding, scans: list[Finding], found: Found) -> list[Finding]:
    details = finding.details
    keys = [
        each
        for each in found.of("postgresql.foreign_key_without_index")
        if same_table(each.details, details)
        and each.details["columns"] == details["keys"][: len(each.details["columns"])]
        and not (each.details["hurts"] and each.details["parent_deleted"] >= 0.5 * each.details["sequential_scans"])
    ]
    cache = found.of("postgresql.cache_hit") if scans else ()
    return [*scans, *top_statements(found, details["statements"]), *keys, *cache]


def _unseen(scan: Finding, callers: list[Finding], *, is_counted: bool) -> Cause:
    details = scan.details
    called = [CALLER(statement=each.details["text"], share=each.details["share"]) for each in callers[:1]]
    return Cause(
        id=CAUSE.id,
        object=scan.object,
        object_kind="table",
        severity=Severity.NOTICE,
        confidence=0.35,
        summary=(_UNNAMED if is_counted else _UNSEEN)(table=scan.object, rows=details["live_rows"]),
        because=(_SCANS(table=scan.object, scans=details["scans"], rows=details["rows_read"]), *called),
        evidence=scan.evidence,
        remedies=(application_change((_FIND_INSIDE if is_counted else _FIND)(table=scan.object)),),
        rests_on=(scan.fingerprint,),
        absorbs=tuple(each.fingerprint for each in callers),
        impact=min(sum(each.details["share"] for each in callers), 1.0),
        past=details["is_over"],
    )
