"""A hot statement filters by a function of a column, which an index on the bare column cannot serve."""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.advisor.statement import NULL_SAFE
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import create_index
from housecall.diagnosis.causes.postgresql._statement_causes import (
    STATEMENT,
    application_change,
    index_remedy,
    scans_of_table,
    share_message,
    top_statements,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
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


_RANGE = Say(
    en="Filter by a range that leaves {column} bare: {column} >= the beginning AND {column} < the end",
    zh="改用不包裹 {column} 的范围条件：{column} >= 起点 AND {column} < 终点",
)
_OWN_TYPE = Say(
    en="Leave {column} bare and give the value in its own type ({type})",
    zh="不要转换 {column}，而是以该列自身的类型（{type}）传入值",
)
_KEY = Say(
    en="Index the key that it asks for, as an expression ({expression} with the key written out), or use @> with a GIN"
    " index on {column}",
    zh="为所查询的键建立表达式索引（{expression}，写明键名），或改用 @> 并在 {column} 上建立 GIN 索引",
)
_WITHOUT_CASE = Say(
    en="Compare lower({column}) with the value in small letters, and index lower({column}) (text_pattern_ops where only"
    " the beginning is given); for parts of words a GIN index with pg_trgm serves ILIKE as it is",
    zh="改为用 lower({column}) 与小写值比较，并为 lower({column}) 建索引（只给出开头时用 text_pattern_ops）；"
    "若要匹配中间部分，可用 pg_trgm 的 GIN 索引直接支持 ILIKE",
)
_MEMBER = Say(
    en="Write {column} @> ARRAY[value] in place of value = ANY ({column}): a GIN index on {column} serves that",
    zh="把 value = ANY({column}) 改写为 {column} @> ARRAY[value]：{column} 上的 GIN 索引支持这种写法",
)
_NULL_SAFE = Say(
    en="Write {column} = value, and {column} IS NULL where the value is null: both take an index",
    zh="改写为 {column} = 值；值为 NULL 时写 {column} IS NULL：两者都能使用索引",
)
_CUTS_TIME = ("date_trunc", "cast to date", "extract", "date_part", "to_char")


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
        remedies=_remedies(finding),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
        impact=details["share"],
        past=details["is_over"],
    )


def _remedies(finding: Finding) -> tuple[Remedy, ...]:
    """An index on the expression where one may be built; else the way of writing that needs none."""
    details = finding.details
    if not details.get("only_rewriting"):
        return (index_remedy(finding), application_change(_REWRITE(column=details["column"])))
    wrapped_by = details["wrapped_by"].lower()
    if wrapped_by == "any" and details["column_type"].endswith("[]"):
        rewrite = application_change(_MEMBER(column=quote_identifier(details["column"])))
        return (rewrite,) if details["has_gin"] else (rewrite, _gin_remedy(details))
    if wrapped_by == NULL_SAFE:
        return (application_change(_NULL_SAFE(column=quote_identifier(details["column"]))),)
    if wrapped_by == "ilike":
        return (application_change(_WITHOUT_CASE(column=details["column"])),)
    if any(word in wrapped_by for word in _CUTS_TIME):
        return (application_change(_RANGE(column=details["column"])),)
    if "->" in wrapped_by:
        return (application_change(_KEY(column=details["column"], expression=details["expression"])),)
    if wrapped_by.startswith("cast"):
        return (application_change(_OWN_TYPE(column=details["column"], type=details["column_type"])),)
    return (application_change(_REWRITE(column=details["column"])),)


def _gin_remedy(details: Mapping[str, Any]) -> Remedy:
    return create_index(
        details["schema"], details["table"], [details["column"]], details["size_bytes"], method="gin",
        taken_names=details["index_names"],
    )  # fmt: skip
