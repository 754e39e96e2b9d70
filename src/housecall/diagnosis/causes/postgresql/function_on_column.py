"""A hot statement filters by a function of a column, which an index on the bare column cannot serve."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import (
    STATEMENT,
    application_change,
    index_remedy,
    scans_of_table,
    share_message,
    top_statements,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="function_on_column",
    title=Say(en="Filter by a function of a column", zh="过滤条件对列使用函数"),
    checks=("postgresql.function_on_column", "postgresql.hot_sequential_scans", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="A hot statement filters {table} by {expression}; no index holds that expression, so every row is read and"
    " computed.",
    zh="热点语句按 {expression} 过滤 {table}；没有包含该表达式的索引，只能逐行读取并计算。",
)
_PLAIN = Say(
    en="There is an index on {column} itself; it cannot serve this filter.",
    zh="列 {column} 本身有索引，但无法用于该过滤条件。",
)
_REWRITE = Say(
    en="Or rewrite the filter so that {column} stands bare (store the value in one form, or use a case-insensitive"
    " collation)",
    zh="或改写条件，让 {column} 不被函数包裹（统一存储格式，或使用不区分大小写的排序规则）",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.function_on_column"):
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    explained = [*scans_of_table(found, finding), *top_statements(found, details["statements"])]
    because: tuple[Message, ...] = (share_message(details), STATEMENT(statement=details["text"]))
    if details["has_plain_index"]:
        because += (_PLAIN(column=details["column"]),)
    table = qualified(details["schema"], details["table"])
    return Cause(
        id=CAUSE.id,
        object=f"{table}({quote_identifier(details['column'])})",
        object_kind="column",
        severity=finding.severity,
        confidence=0.95 if details["seen_in_plan"] else 0.75,
        summary=_SUMMARY(table=table, expression=details["expression"]),
        because=because,
        evidence=finding.evidence,
        remedies=(index_remedy(finding), application_change(_REWRITE(column=details["column"]))),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
        impact=details["share"],
        past=details["is_over"],
    )
