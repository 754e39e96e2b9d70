"""Statements that fail because they compare columns of two collations.

Why it matters: "Illegal mix of collations" (error 1267) is no slow statement but none at all: the page does not work.
How to fix: give both columns one collation; until then name one in the statement (a = b COLLATE …).
Cannot see: on MariaDB which error a statement got; there it is named when a joining statement fails and its columns
differ.
Source: MySQL manual, "Collation Coercibility in Expressions"; error reference, ER_CANT_AGGREGATE_2COLLATIONS.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._shapes import statement_evidence
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.checks.mysql.charset_mismatch_join import Side, side_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatementError
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="mysql.collation_mismatch",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say(en="Statements that mix collations", zh="语句混用排序规则"),
    thresholds=[
        Threshold("min_errors", 1, "such a statement never works, so one failure is all of them"),
        Threshold("warning_errors", 5, "fewer may be somebody who tries a statement out"),
        Threshold("recent_seconds", 24 * 3600.0, "older failures have been mended or given up"),
    ],
)
ILLEGAL_MIX = (1267, 1270, 1271)
_MIXES = Say(
    en="{one} ({collation}) and {other} ({other_collation}) cannot be compared: the statement failed {errors:count}"
    " time{errors:|s}.",
    zh="{one}（{collation}）与 {other}（{other_collation}）无法比较：语句已失败 {errors:count} 次。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(TopStatement)
    raised = [row for row in rows_or_none(now, StatementError) if row.number in ILLEGAL_MIX]
    has_numbers = any(True for _ in rows_or_none(now, StatementError))
    recent = [row for row in raised if (row.last_seconds_ago or 0.0) <= limits["recent_seconds"]]
    if has_numbers and not recent:
        return
    for statement in hot_statements(now):
        if statement.errors < limits["min_errors"]:
            continue
        for one, other in clashes(statement, now):
            yield _finding(statement, one, other, limits)
            break


def clashes(statement: HotStatement, now: Snapshot) -> Iterator[tuple[Side, Side]]:
    """Joined columns of one character set and two collations, neither of them binary."""
    from housecall.advisor.statement import parse_statement, scopes

    tree = parse_statement(statement.sql, "mysql")
    for scope in scopes(tree, "mysql") if tree is not None else ():
        names = {relation.alias: relation.name for relation in scope.relations}
        for predicate in scope.predicates:
            if predicate.kind != "join" or predicate.other is None:
                continue
            alias, _, column = predicate.other.partition(".")
            one = side_of(statement, now, names.get(predicate.alias), predicate.column)
            other = side_of(statement, now, names.get(alias), column)
            if one is not None and other is not None and _cannot_be_compared(one, other):
                yield one, other


def _cannot_be_compared(one: Side, other: Side) -> bool:
    differ = one.column.collation != other.column.collation
    binary = any(str(side.column.collation).endswith("_bin") for side in (one, other))
    return differ and not binary and one.column.character_set == other.column.character_set


def _finding(statement: HotStatement, one: Side, other: Side, limits: Limits) -> Finding:
    severity = Severity.WARNING if statement.errors >= limits["warning_errors"] else Severity.NOTICE
    return Finding(
        CHECK.id, CHECK.item, severity, one.name, "column",
        _MIXES(
            one=one.name, collation=one.column.collation, other=other.name, other_collation=other.column.collation,
            errors=statement.errors,
        ),
        statement_evidence(statement)
        + measured(
            TopStatement, failed_calls=(statement.errors, "count"), collation=(one.column.collation, "name"),
            collation_of_the_other=(other.column.collation, "name"),
        ),
        details={
            "schema": one.table.schema, "table": one.table.name, "column": one.column.column_name,
            "column_type": one.column.column_type, "not_null": one.column.not_null, "other": other.name,
            "collation": one.column.collation, "other_collation": other.column.collation,
            "other_character_set": other.column.character_set, "character_set": one.column.character_set,
            "errors": statement.errors, "text": statement.text, "size_bytes": one.table.size_bytes,
        },
    )  # fmt: skip
