"""A hot statement reads every partition because its filter hides the partition key, or looks into very many of them
because it has no condition on the key."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say, Value

CAUSE = CauseRule(
    id="partition_pruning_defeated",
    title=Say("Partition pruning defeated", "分区裁剪失效"),
    checks=("postgresql.partition_pruning", "postgresql.top_statements", "postgresql.hot_sequential_scans"),
)
_SUMMARY = Say(
    "A hot statement reads {scanned:count} of {partitions:count} partitions of {table}: its filter hides the key"
    " {column} in {expression}.",
    "热点语句读取了 {table} 的 {partitions:count} 个分区中的 {scanned:count} 个：条件把分区键 {column} 包在"
    " {expression}"
    " 里。",
)
_NO_KEY = Say(
    "A hot statement looks into {scanned:count} of {partitions:count} partitions of {table}, one after the other: it"
    " does not filter by the partition key.",
    "热点语句要逐个查找 {table} 的 {partitions:count} 个分区中的 {scanned:count} 个：条件中没有分区键。",
)
_ADD_KEY = Say(
    "Let the statement filter by the partition key of {table} too ({key}), as far as the application knows it; or make"
    " fewer, larger partitions, since each costs a plan and a descent of its index",
    "在条件中加上 {table} 的分区键（{key}），只要应用知道它的范围；或减少分区数量、增大分区，"
    "因为每个分区都要参与计划并查找一次索引",
)
_KEY = Say("The table is partitioned by {key}.", "该表按 {key} 分区。")
_REWRITE = Say(
    "Rewrite the filter so that the column {column} stands alone and is compared with a range: {column} >= start AND"
    " {column} < end, with values of the column's own type; then only the partitions of that range are read",
    "改写条件，让列 {column} 单独出现并与范围比较：{column} >= 起点 AND {column} < 终点，且值的类型与列一致；"
    "这样只会读取该范围内的分区",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.partition_pruning"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    names = set(details["names"])
    of_partitions = [
        each
        for each in found.of(
            "postgresql.hot_sequential_scans", "postgresql.function_on_column", "postgresql.missing_index"
        )
        if each.details.get("table") in names
    ]
    counts: dict[str, Value] = {
        "scanned": details["scanned"], "partitions": details["partitions"], "table": details["table"],
    }  # fmt: skip
    if details["column"]:
        summary = _SUMMARY(**counts, column=details["column"], expression=details["expression"])
        advice = _REWRITE(column=details["column"])
    else:
        summary, advice = _NO_KEY(**counts), _ADD_KEY(table=details["table"], key=details["key"])
    return statement_cause(
        CAUSE.id, finding, found, summary, (application_change(advice),),
        confidence=0.9, because=(_KEY(key=details["key"]),), absorbs=of_partitions, object_name=details["table"],
    )  # fmt: skip
