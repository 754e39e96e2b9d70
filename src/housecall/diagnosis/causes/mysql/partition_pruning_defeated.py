"""A hot statement on MySQL or MariaDB reads every partition of a table.

Explains what an index on the wrapped column seems to lack: the partitions are the way to the rows here.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="partition_pruning_defeated",
    title=Say(en="Every partition is read", zh="分区裁剪失效"),
    checks=("mysql.partition_pruning", "mysql.top_statements", "mysql.function_on_column", "mysql.missing_index"),
)
_SUMMARY = Say(
    en="A hot statement reads all {partitions:count} partitions of {table}, because {column} stands inside an"
    " expression.",
    zh="热点语句读取了 {table} 的全部 {partitions:count} 个分区，因为 {column} 被表达式包裹。",
)
_MISSING = Say(
    en="A hot statement reads all {partitions:count} partitions of {table}, because it has no condition on {column}.",
    zh="热点语句读取了 {table} 的全部 {partitions:count} 个分区，因为没有针对 {column} 的条件。",
)
_BY = Say(en="The table is partitioned by {method} ({expression}).", zh="该表按 {method}（{expression}）分区。")
_RANGE = Say(
    en="Compare the bare column {column} with constants (column >= start AND column < end), so that only the partitions"
    " in question are read",
    zh="让裸列 {column} 与常量比较（列 >= 起点 AND 列 < 终点），只读相关分区",
)
_ADD = Say(
    en="Add a condition on {column} where the application knows it; else index the columns that the statement"
    " filters by",
    zh="若应用知道 {column} 的值，请加上该条件；否则为语句的过滤列建索引",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.partition_pruning"):
        details = finding.details
        explained = [
            each
            for each in found.of("mysql.function_on_column", "mysql.missing_index")
            if details["wrapped"] and each.details["identity"] == details["identity"]
        ]
        yield statement_cause(
            CAUSE.id, finding, found,
            (_SUMMARY if details["wrapped"] else _MISSING)(
                partitions=details["partitions"], table=details["target"], column=details["column"]
            ),
            (application_change((_RANGE if details["wrapped"] else _ADD)(column=details["column"])),),
            confidence=0.9 if details["wrapped"] else 0.5, absorbs=explained, object_name=details["target"],
            because=(_BY(method=details["method"], expression=details["expression"]),), object_kind="table",
        )  # fmt: skip
