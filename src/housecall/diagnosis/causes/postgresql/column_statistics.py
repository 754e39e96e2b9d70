"""The planner works without statistics of a column that a hot statement compares, since ANALYZE is told to skip it."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import LOCK_CONCURRENT, UNDER_A_MINUTE, same_table
from housecall.diagnosis.causes.postgresql._statement_causes import scans_of_table, spills_of, statement_cause
from housecall.diagnosis.causes.postgresql.missing_index import is_supported
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="stale_statistics",
    title=Say("A column without statistics", "某列没有统计信息"),
    checks=(
        "postgresql.column_statistics", "postgresql.top_statements", "postgresql.hot_sequential_scans",
        "postgresql.missing_index", "postgresql.temp_spills",
    ),
)  # fmt: skip
_SUMMARY = Say(
    "ANALYZE is told to leave out {column} of {table} (SET STATISTICS 0), and a hot statement compares it: the planner"
    " guesses.",
    "{table} 的 {column} 被设置为不收集统计信息（SET STATISTICS 0），而热点语句要比较该列：优化器只能猜测。",
)
_EXPECTS = Say(
    "The planner expects {expected:count} of {rows:count} row{rows:|s}, whatever the value.",
    "无论取值是什么，优化器都估计返回 {rows:count} 行中的 {expected:count} 行。",
)
_GATHER = Say("Let ANALYZE look at {column} of {table} again", "恢复收集 {table} 的 {column} 的统计信息")
_VERIFY = Say("pg_stats knows the column, and the statement is faster", "pg_stats 中有该列的统计信息，语句变快")
_CAUTION = Say(
    "Somebody may have left it out because its values are long; ANALYZE then reads them, which takes longer.",
    "有人可能因为该列的值很长而关闭了收集；恢复后 ANALYZE 会读取这些值，耗时更长。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.column_statistics"):
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    column = quote_identifier(details["column"])
    guesses = [
        each
        for each in found.of("postgresql.missing_index")
        if same_table(each.details, details) and not is_supported(each)
    ]
    expected = (
        () if details["expected"] is None else (_EXPECTS(expected=details["expected"], rows=details["live_rows"]),)
    )
    return statement_cause(
        CAUSE.id, finding, found, _SUMMARY(column=column, table=table), (_gather(finding, table, column),),
        confidence=0.7, because=expected,
        absorbs=[*scans_of_table(found, finding), *spills_of(found, [details["identity"]]), *guesses],
        object_name=f"{table}({column})",
    )  # fmt: skip


def _gather(finding: Finding, table: str, column: str) -> Remedy:
    details = finding.details
    return Remedy(
        title=_GATHER(column=column, table=table),
        statements=(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1;", f"ANALYZE {table} ({column});"),
        lock=LOCK_CONCURRENT(),
        risk="low",
        when="now",
        rollback=(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0;",),
        verify=_VERIFY(),
        verify_statement=(
            "SELECT n_distinct, most_common_vals FROM pg_stats"
            f" WHERE schemaname = {quote_literal(details['schema'])} AND tablename = {quote_literal(details['table'])}"
            f" AND attname = {quote_literal(details['column'])};"
        ),
        duration=UNDER_A_MINUTE(),
        caution=_CAUTION(),
    )
