"""Deletes (or key changes) in a parent table read the whole child table, for want of an index on the foreign key.

It explains the child's sequential scans, the slow deletes of the parent and the sessions that wait for one. When
deletes explain less than half of
the child's
scans, some other statement scans it, and a missing index is the larger cause.
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.advisor.shape import statement_shape
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import create_index, index_partitions, same_table
from housecall.diagnosis.checks.postgresql._index_candidates import leaves_of
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="fk_without_index",
    title=Say(en="A foreign key without an index", zh="外键列缺少索引"),
    checks=(
        "postgresql.foreign_key_without_index",
        "postgresql.hot_sequential_scans",
        "postgresql.top_statements",
        "postgresql.missing_index",
        "postgresql.blocked_sessions",
    ),
)
OWN_SHARE = 0.5
"""Of the child's sequential scans: from here on the deletes are what scans it."""
_HURTS = Say(
    en="Each delete in {parent} reads all of {table} to look for children, because {child} has no index that serves.",
    zh="{child} 没有可用的索引，因此 {parent} 每删除一行都要扫描整张 {table} 查找子行。",
)
_HURTS_BY_PART = Say(
    en="Each delete in {parent} reads about {read:count} entries of index {index} to look for children in {table}:"
    " it has only a part of {child}.",
    zh="索引 {index} 只包含 {child} 的一部分：{parent} 每删除一行，都要读取约 {read:count} 个索引项来查找 {table}"
    " 中的子行。",
)
_COUNTS_BY_PART = Say(
    en="{deletes:count} delete{deletes:|s} in {parent} and {scans:count} scan{scans:|s} of that index since the"
    " statistics began.",
    zh="自统计以来 {parent} 删除 {deletes:count} 次，该索引被扫描 {scans:count} 次。",
)
_IDLE = Say(
    en="Foreign key {child} has no index: the first delete in {parent} will read all of {table}.",
    zh="外键 {child} 没有索引：一旦从 {parent} 删除数据，就要扫描整张 {table}。",
)
_COUNTS = Say(
    en="{deletes:count} delete{deletes:|s} in {parent} and {scans:count} sequential scan{scans:|s} of"
    " {table} ({rows:count} row{rows:|s}),"
    " {read:count} row{read:|s} read.",
    zh="{parent} 删除 {deletes:count} 次，{table}（{rows:count} 行）被全表扫描 {scans:count} 次，共读取 {read:count}"
    " 行。",
)
_QUIET = Say(
    en="No deletes in {parent} since the statistics began: it costs nothing today.",
    zh="自统计以来 {parent} 没有删除操作，目前没有代价。",
)
_FEW = Say(
    en="{deletes:count} delete{deletes:|s} in {parent} since the statistics began: it costs little today.",
    zh="自统计以来 {parent} 只有 {deletes:count} 次删除，目前代价很小。",
)
_OTHER_TYPE = Say(
    en="Index {index} does not serve: {child} is {type}, and a delete in {parent} compares it as {compared}, the type"
    " of the key.",
    zh="索引 {index} 无法使用：{child} 是 {type} 类型，而 {parent} 删除时按主键的类型 {compared} 进行比较。",
)
_BY_PARTITION = Say(
    en="Create the index on each partition concurrently, then on the parent with ON ONLY, and attach them",
    zh="先在每个分区上 CONCURRENTLY 建索引，再在父表上用 ON ONLY 建索引并逐一附加",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.foreign_key_without_index"):
        yield _cause(finding, found, now)


def is_root(finding: Finding) -> bool:
    """Whether the deletes account for most of the child's scans."""
    details = finding.details
    return bool(details["hurts"]) and details["parent_deleted"] >= OWN_SHARE * details["sequential_scans"]


def explained(finding: Finding, found: Found) -> list[Finding]:
    details = finding.details
    if not details["hurts"]:
        return []
    parent = qualified(details["parent_schema"], details["parent_table"])
    deletes = [
        each
        for each in found.of("postgresql.top_statements")
        if each.details.get("kind") in ("DELETE", "MERGE") and parent in each.details.get("tables", ())
    ]
    scans = [each for each in found.of("postgresql.hot_sequential_scans") if same_table(each.details, details)]
    missing = [
        each
        for each in found.of("postgresql.missing_index")
        if same_table(each.details, details) and each.details["keys"][:1] == details["columns"][:1]
    ]
    return deletes + _blocked_by_deletes(details["parent_table"], found) + (scans + missing if is_root(finding) else [])


def _blocked_by_deletes(table: str, found: Found) -> list[Finding]:
    """Sessions that wait for a delete from the parent, which takes so long because it scans the child."""
    return [
        each
        for each in found.of("postgresql.blocked_sessions")
        if (root := each.details.get("root"))
        and (statement := root.get("statement") or "").lower().startswith("delete")
        and table in statement_shape(statement, "postgresql").tables
    ]


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    parent = qualified(details["parent_schema"], details["parent_table"])
    others = explained(finding, found)
    deletes = details["parent_deleted"]
    shares = [each.details["share"] for each in others if each.check == "postgresql.top_statements"]
    say = _HURTS(parent=parent, table=table, child=finding.object)
    because: Message
    if details["part_index"]:
        say = _HURTS_BY_PART(
            parent=parent, table=table, child=finding.object, read=details["part_rows"], index=details["part_index"]
        )
        because = _COUNTS_BY_PART(deletes=deletes, parent=parent, scans=details["part_scans"])
    elif details["hurts"]:
        because = _COUNTS(
            deletes=deletes, parent=parent, scans=details["sequential_scans"], table=table, rows=details["live_rows"],
            read=details["sequential_rows"],
        )  # fmt: skip
    else:
        say = _IDLE(parent=parent, table=table, child=finding.object)
        because = _FEW(deletes=deletes, parent=parent) if deletes else _QUIET(parent=parent)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="column",
        severity=finding.severity,
        confidence=0.9 if is_root(finding) else 0.75 if details["hurts"] else 0.6,
        summary=say,
        because=(because, *_other_index(finding, parent)),
        evidence=finding.evidence,
        remedies=(_remedy(finding, now),),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in others),
        impact=min(sum(shares), 1.0) if shares else 0.3 if is_root(finding) else 0.0,
    )


def _other_index(finding: Finding, parent: str) -> Iterator[Message]:
    details = finding.details
    if details["other_index"]:
        yield _OTHER_TYPE(
            index=details["other_index"], child=finding.object, parent=parent,
            type=", ".join(details["column_types"]), compared=", ".join(details["compared_types"]),
        )  # fmt: skip


def _keys(finding: Finding) -> list[str]:
    """The columns as a delete compares them: where the types differ, cast to the type of the key."""
    details = finding.details
    columns = [quote_identifier(name) for name in details["columns"]]
    if not details["other_index"]:
        return columns
    types = zip(columns, details["column_types"], details["compared_types"], strict=True)
    return [name if own == compared else f"(({name})::{compared})" for name, own, compared in types]


def _remedy(finding: Finding, now: Snapshot) -> Remedy:
    details = finding.details
    schema, table, when = details["schema"], details["table"], "now" if details["hurts"] else "later"
    leaves = leaves_of(now, schema, table) if details["is_partitioned"] else ()
    if leaves:
        remedy = index_partitions(schema, table, _keys(finding), leaves, details["size_bytes"])
        return remedy if details["hurts"] else replace(remedy, when="later")
    remedy = create_index(schema, table, _keys(finding), details["size_bytes"], keys_are_sql=True, when=when)
    if not details["is_partitioned"]:
        return remedy
    # A partitioned table takes no CREATE INDEX CONCURRENTLY, and its partitions could not be read.
    return replace(remedy, title=_BY_PARTITION(), statements=(), rollback=(), verify_statement=None)
