"""A hot statement on MySQL or MariaDB reads a table from end to end for want of an index, a join without one included.

The object is the table with the columns to index. Confidence rests on the rows that were counted and on the plan that
shows the scan; without both it is a guess and said to be one.
"""

from collections.abc import Iterator, Sequence

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import show_index
from housecall.diagnosis.causes.mysql._statement_causes import (
    CALLER,
    OVER,
    STATEMENT,
    application_change,
    index_remedy,
    row_messages,
    share_message,
    top_statements,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.fingerprint import fingerprint
from housecall.engines.mysql.quoting import qualified
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="missing_index",
    title=Say(en="A missing index", zh="缺少索引"),
    checks=("mysql.missing_index", "mysql.top_statements", "mysql.rows_scanned", "mysql.hot_row"),
)
_SUMMARY = Say(
    en="{target} has no index: a hot statement reads {before:count} row{before:|s} of the table to find about"
    " {after:count}.",
    zh="{target} 上缺少索引：热点语句每次要读 {before:count} 行，才能找到约 {after:count} 行。",
)
_SHOW = Say(
    en="The index {index} of {table} is hidden from the optimizer: a hot statement reads {before:count} row{before:|s}"
    " of the table to find about {after:count}.",
    zh="{table} 的索引 {index} 对优化器是隐藏的：热点语句每次要读 {before:count} 行，才能找到约 {after:count} 行。",
)
_JOIN = Say(
    en="{target} has no index, so a hot statement joins the table by reading all of its {rows:count} rows.",
    zh="{target} 上缺少索引，热点语句连接该表时要读取全部 {rows:count} 行。",
)
_PERHAPS = Say(
    en="{target} may lack an index: a statement that runs often filters by it.",
    zh="{target} 可能缺少索引：有频繁执行的语句按它过滤。",
)
_PLAN = Say(
    en="The server's plan for it reads the table without a fitting index.", zh="服务器给出的执行计划没有可用的索引。"
)
_COUNTERS = Say(
    en="No plan was at hand: this rests on the rows counted.", zh="没有取到执行计划：依据是计数器中读取的行数。"
)
_HIDDEN = Say(
    en="The index {index} would serve it, but it is hidden from the optimizer.",
    zh="索引 {index} 本可使用，但对优化器是隐藏的。",
)
_TEXT_ONLY = Say(
    en="No plan and no counters were seen: look at the plan with EXPLAIN before building it.",
    zh="没有看到执行计划和计数器：建索引前请先用 EXPLAIN 查看计划。",
)
_FEW_VALUES = Say(
    en="The column is likely to hold a few values: count them before building the index.",
    zh="该列的取值可能很少：建索引前请先统计各值的行数。",
)
_SHORT = Say(
    en="The index {index} of {table} holds only the first {length:count} character{length:|s}, in which many rows are"
    " alike: a hot statement reads {before:count} row{before:|s} of the table to find about {after:count}.",
    zh="{table} 的索引 {index} 只包含前 {length:count} 个字符，很多行在这一段上相同：热点语句每次要读"
    " {before:count} 行，才能找到约 {after:count} 行。",
)
_INNER = Say(
    en="It runs inside a trigger, a procedure, a function or an event; the server counts its time for the caller.",
    zh="它在触发器、存储过程、函数或事件内部执行，耗时计入调用它的语句。",
)

_INSIDE = Say(
    en="{table} ({rows:count} rows) is read from end to end again and again, and none of the costly statements reads it"
    " by itself: the one that does runs inside a trigger, a function or a procedure.",
    zh="表 {table}（{rows:count} 行）被反复全表扫描，而高开销语句中没有一条直接读它："
    "扫描它的语句在触发器、函数或存储过程内部执行。",
)
_SCANNED = Say(
    en="{scanned:count} rows of {table} were read without an index during the examination.",
    zh="检查期间未使用索引读取了 {table} 的 {scanned:count} 行。",
)
_FIND = Say(
    en="Find the statement in the triggers, functions and procedures that use {table}, and index the column it filters"
    " by",
    zh="在用到 {table} 的触发器、函数和存储过程中找出该语句，并对其过滤列建索引",
)
MIN_READ_SHARE = 0.1
"""Of the table's rows: a statement that examines fewer is not the one that reads it from end to end."""
MIN_CALLS = 5
MIN_SECONDS = 0.005
"""A caller of it runs again and again, and a run takes longer than reading a few rows."""
_SHAPES = (
    "mysql.missing_index", "mysql.wrong_index_order", "mysql.function_on_column", "mysql.leading_wildcard",
    "mysql.implicit_cast", "mysql.offset_pagination", "mysql.partition_pruning", "mysql.correlated_subquery",
    "mysql.charset_mismatch_join",
)  # fmt: skip


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.missing_index"):
        details = finding.details
        hidden = details["hidden_index"]
        shown = show_index(details["schema"], details["table"], hidden, now.facts.version.flavour) if hidden else None
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="column",
            severity=finding.severity,
            confidence=confidence(finding),
            summary=_summary(finding),
            because=tuple(_because(finding)),
            evidence=finding.evidence,
            remedies=(shown,) if shown else (index_remedy(finding),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(
                each.fingerprint
                for each in (*top_statements(found, details["statements"]), *_crowds(found, details["statements"]))
            ),
            impact=details["share"],
            past=details["is_over"],
        )

    for scan in found.of("mysql.rows_scanned"):
        if scan.details["table"] and not _is_seen(scan, found):
            yield _inside(scan, found)


def _crowds(found: Found, statements: Sequence[str]) -> list[Finding]:
    """Sessions that wait for each other's rows because each change locks every row that it passes on its way."""
    return [
        each
        for each in found.of("mysql.hot_row")
        if each.details["statement"] and fingerprint(each.details["statement"], "mysql") in statements
    ]


def _is_seen(scan: Finding, found: Found) -> bool:
    """Whether a statement is known that reads the table: by a finding about it, or by the rows that it examines."""
    table, rows = scan.details["table"], scan.details["table_rows"]
    if any(table in each.details.get("tables", ()) for each in found.of(*_SHAPES)):
        return True
    return any(
        table in each.details["tables"]
        and (each.details["examined"] is None or each.details["examined"] >= MIN_READ_SHARE * rows)
        for each in found.of("mysql.top_statements")
    )


def _inside(scan: Finding, found: Found) -> Cause:
    details = scan.details
    callers = [
        each
        for each in found.of("mysql.top_statements")
        if not each.details["is_over"]
        and (each.details["calls"] or 0) >= MIN_CALLS
        and (each.details["mean_seconds"] or 0.0) >= MIN_SECONDS
        and details["table"] not in each.details["tables"]
    ]
    called = [CALLER(statement=each.details["text"], share=each.details["share"]) for each in callers[:1]]
    return Cause(
        id=CAUSE.id,
        object=details["table"],
        object_kind="table",
        severity=Severity.NOTICE,
        confidence=0.35,
        summary=_INSIDE(table=details["table"], rows=details["table_rows"]),
        because=(_SCANNED(scanned=details["table_rows_scanned"], table=details["table"]), *called),
        evidence=scan.evidence,
        remedies=(application_change(_FIND(table=details["table"])),),
        rests_on=(scan.fingerprint,),
        absorbs=tuple(each.fingerprint for each in callers),
        impact=min(sum(each.details["share"] for each in callers), 1.0),
    )


def confidence(finding: Finding) -> float:
    details = finding.details
    if not details["is_supported"]:
        return 0.3
    if not details["narrows"]:
        return 0.4
    return 0.6 + (0.2 if details["seen_in_plan"] else 0.0) + (0.15 if details["is_counted"] else 0.0)


def _summary(finding: Finding) -> Message:
    details = finding.details
    if not details["is_supported"] or not details["narrows"]:
        return _PERHAPS(target=finding.object)
    if details["hidden_index"]:
        table = qualified(details["schema"], details["table"])
        before, after = details["rows_without"], max(details["rows_with"], 1)
        return _SHOW(index=details["hidden_index"], table=table, before=before, after=after)
    if details["short_index"]:
        table = qualified(details["schema"], details["table"])
        before, after = details["rows_without"], max(details["rows_with"], 1)
        length = details["short_length"]
        return _SHORT(index=details["short_index"], table=table, length=length, before=before, after=after)
    if details["is_join"]:
        return _JOIN(target=finding.object, rows=details["live_rows"])
    return _SUMMARY(target=finding.object, before=details["rows_without"], after=max(details["rows_with"], 1))


def _because(finding: Finding) -> Iterator[Message]:
    details = finding.details
    yield share_message(details)
    yield STATEMENT(statement=details["text"])
    if details["is_inner"]:
        yield _INNER()
    if details["hidden_index"] and not (details["is_supported"] and details["narrows"]):
        yield _HIDDEN(index=details["hidden_index"])
    yield from row_messages(details)
    if not details["is_supported"]:
        yield _TEXT_ONLY()
        return
    yield _PLAN() if details["seen_in_plan"] else _COUNTERS()
    if not details["narrows"]:
        yield _FEW_VALUES()
    if details["is_over"]:
        yield OVER()
