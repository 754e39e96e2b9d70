"""An index hint in a hot statement keeps the optimizer of MySQL or MariaDB from the index that would serve it."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, proposals_for, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.wording import Say

CAUSE = CauseRule(
    id="planner_switch_off",
    title=Say(en="An index hint against a fitting index", zh="索引提示妨碍使用合适的索引"),
    checks=("mysql.index_hints", "mysql.top_statements", "mysql.missing_index", "mysql.wrong_index_order"),
)
_SUMMARY = Say(
    en="{hint} in a hot statement on {table} keeps it from the index {index}, which would leave about {rows:count} rows"
    " of {examined:count}.",
    zh="针对 {table} 的热点语句中的 {hint} 使其无法使用索引 {index}；用该索引只需约 {rows:count} 行，而现在要查看"
    " {examined:count} 行。",
)
_REMOVE = Say(
    en="Take {hint} out of the statement (or name {index} in FORCE INDEX, if the optimizer still goes wrong)",
    zh="从语句中去掉 {hint}（如果优化器仍选错，可改为 FORCE INDEX 指定 {index}）",
)
_FIRST = Say(
    en="Compare both with EXPLAIN ANALYZE (ANALYZE on MariaDB) first: somebody may have had a reason.",
    zh="请先用 EXPLAIN ANALYZE（MariaDB 用 ANALYZE）比较两种写法：当初可能有其原因。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.index_hints"):
        details = finding.details
        index = quote_identifier(details["index"])
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(hint=details["hint"], table=details["tables"][0] if details["tables"] else details["table"],
                     index=index, rows=details["rows_by_index"], examined=details["examined"]),
            (application_change(_REMOVE(hint=details["hint"], index=index), _FIRST()),), confidence=0.9,
            absorbs=proposals_for(found, finding),
        )  # fmt: skip
