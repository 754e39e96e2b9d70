"""The planner was misled by two columns that depend on each other."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import LOCK_CONCURRENT, UNDER_A_MINUTE, index_name
from housecall.diagnosis.causes.postgresql._statement_causes import scans_of_table, statement_cause
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="correlated_columns",
    title=Say("Columns that depend on each other mislead the planner", "列间依赖误导了优化器"),
    checks=(
        "postgresql.correlated_columns", "postgresql.top_statements", "postgresql.hot_sequential_scans",
        "postgresql.missing_index",
    ),
)  # fmt: skip
_SUMMARY = Say(
    "{columns} of {table} depend on each other: the planner expects {expected:count} row{expected:|s} of a hot"
    " statement,"
    " about {real:count} come.",
    "{table} 的 {columns} 互相依赖：优化器估计热点语句返回 {expected:count} 行，实际约 {real:count} 行。",
)
_TIMES = Say(
    "In a sample, rows agree in both columns {factor:number} times as often as independent columns would.",
    "抽样显示，两列同时相同的频率是相互独立时的 {factor:number} 倍。",
)
_LOOP = Say(
    "The plan loops over these rows, which is right for few of them only.",
    "执行计划对这些行做嵌套循环，只有行数很少时才合适。",
)
_CREATE = Say("Gather statistics of {columns} of {table} together", "为 {table} 的 {columns} 建立多列（扩展）统计信息")
_VERIFY = Say(
    "the planner expects about as many rows as come, and the statement is faster", "优化器估计的行数接近实际，语句变快"
)
_CAUTION = Say(
    "Plans of other statements on these columns may change as well, mostly for the better.",
    "涉及这些列的其他语句的执行计划也可能改变，多数会变好。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    findings = found.of("postgresql.correlated_columns")
    for finding in findings:
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    columns = ", ".join(quote_identifier(each) for each in details["columns"])
    because: list[Message] = [_TIMES(factor=details["factor"])]
    if details["is_joined"]:
        because.append(_LOOP())
    proposed = [
        each
        for each in found.of("postgresql.missing_index")
        if (each.details["schema"], each.details["table"]) == (details["schema"], details["table"])
        and details["identity"] in each.details["statements"]
    ]
    return statement_cause(
        CAUSE.id, finding, found,
        _SUMMARY(columns=columns, table=table, expected=details["expected"], real=details["real"]),
        (_statistics(finding, table, columns),),
        confidence=0.85 if details["is_joined"] else 0.6, because=tuple(because),
        absorbs=[*scans_of_table(found, finding), *proposed], object_name=f"{table}({columns})",
    )  # fmt: skip


def _statistics(finding: Finding, table: str, columns: str) -> Remedy:
    details = finding.details
    name = index_name(details["table"], details["columns"]).removesuffix("_idx") + "_stat"
    statistics = qualified(details["schema"], name)
    return Remedy(
        title=_CREATE(columns=columns, table=table),
        statements=(f"CREATE STATISTICS {statistics} (ndistinct, dependencies, mcv) ON {columns} FROM {table};",
                    f"ANALYZE {table};"),
        lock=LOCK_CONCURRENT(),
        risk="low",
        when="now",
        rollback=(f"DROP STATISTICS IF EXISTS {statistics};", f"ANALYZE {table};"),
        verify=_VERIFY(),
        verify_statement=(
            "SELECT statistics_name, attnames, kinds FROM pg_stats_ext"
            f" WHERE tablename = {quote_literal(details['table'])};"
        ),
        duration=UNDER_A_MINUTE(),
        caution=_CAUTION(),
    )  # fmt: skip
