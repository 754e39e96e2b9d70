"""Joins of text columns of two character sets, of a plain and a binary collation, or in a collation written with them.

Why it matters: one side is converted for every row of the other, and the index on the converted column cannot be used.
How to fix: give both columns one character set and collation (utf8mb4), the smaller table first.
Source: MySQL manual, "Character Set Conversion" and "Collation Coercibility in Expressions".
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from housecall.advisor.statement import Predicate, parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import (
    HotStatement,
    accesses_of,
    hot_statements,
    is_hot,
    plan_of,
    table_of,
)
from housecall.diagnosis.checks.mysql._tables import Table
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.charset_mismatch_join",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Join across character sets", zh="跨字符集连接"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.0005, "mean time of a run; a join through an index takes less"),
        Threshold("min_rows", 1_000, "the conversion of a smaller table costs nothing"),
        Threshold("warning_share", 0.05, "of all statement time: a twentieth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.002, "mean time of a join that people wait for"),
    ],
    needs_window=True,
)
_MISMATCH = Say(
    en="{narrow} ({one}) is joined with {wide} ({other}): it is converted row by row and its index is not used.",
    zh="{narrow}（{one}）与 {wide}（{other}）连接：需要逐行转换，其索引无法使用。",
)


class Side(NamedTuple):
    table: Table
    column: LargeTableColumn

    @property
    def name(self) -> str:
        place = table_name(self.table.schema, self.table.name)
        return f"{place}({quote_identifier(self.column.column_name)})"


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(LargeTableColumn)
    told: set[str] = set()
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for narrow, wide in mismatches(statement, now):
            if narrow.table.rows < limits["min_rows"] or narrow.name in told or not _suffers(statement, narrow, now):
                continue
            told.add(narrow.name)
            finding = statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _MISMATCH(
                    narrow=narrow.name, one=narrow.column.collation, wide=wide.name, other=wide.column.collation
                ),
                target=narrow.name, other=wide.name, collation=narrow.column.collation,
                other_collation=wide.column.collation, other_character_set=wide.column.character_set,
                schema=narrow.table.schema, table=narrow.table.name, column=narrow.column.column_name,
                column_type=narrow.column.column_type, not_null=narrow.column.not_null,
                character_set=narrow.column.character_set, size_bytes=narrow.table.size_bytes,
                has_index=narrow.table.leads(narrow.column.column_name),
            )  # fmt: skip
            evidence = measured(
                LargeTableColumn, collation=(narrow.column.collation, "name"),
                collation_of_the_other=(wide.column.collation, "name"),
            )  # fmt: skip
            yield Finding(
                finding.check, finding.item, finding.severity, narrow.name, "column", finding.message,
                finding.evidence + evidence, finding.details,
            )  # fmt: skip


def mismatches(statement: HotStatement, now: Snapshot) -> Iterator[tuple[Side, Side]]:
    """Pairs of joined columns: the one that is converted, then the one that it is converted for."""
    tree = parse_statement(statement.sql, "mysql")
    for scope in scopes(tree, "mysql") if tree is not None else ():
        names = {relation.alias: relation.name for relation in scope.relations}
        joins = [each for each in scope.predicates if each.kind == "join" and each.other is not None]
        written = {(f"{each.alias}.{each.column}", each.other): _collation_of(each) for each in joins}
        for predicate in joins:
            mine_called = f"{predicate.alias}.{predicate.column}"
            collation = written.get((str(predicate.other), mine_called)) or _collation_of(predicate)
            if predicate.expression is not None and collation is None:
                continue
            alias, _, column = str(predicate.other).partition(".")
            mine = side_of(statement, now, names.get(predicate.alias), predicate.column)
            other = side_of(statement, now, names.get(alias), column)
            if mine is None or other is None:
                continue
            if collation is not None and mine.column.collation != collation:
                character_set = collation.partition("_")[0]
                column_as_written = replace(other.column, collation=collation, character_set=character_set)
                yield mine, Side(other.table, column_as_written)
            elif collation is None and is_converted(mine.column, other.column):
                yield mine, other


def _collation_of(predicate: Predicate) -> str | None:
    """The collation that the statement itself demands of this side; both sides are compared in it."""
    found = re.search(r"^[\w`.]+ collate `?(\w+)`?$", predicate.expression or "", re.IGNORECASE)
    return found[1].lower() if found else None


def side_of(statement: HotStatement, now: Snapshot, table_called: str | None, column: str) -> Side | None:
    table = table_of(now, statement, table_called) if table_called else None
    known = table.columns.get(column.lower()) if table is not None else None
    return Side(table, known) if table is not None and known is not None and known.character_set else None


def is_converted(column: LargeTableColumn, other: LargeTableColumn) -> bool:
    """Whether comparing the two converts the first: to the wider character set, or to the binary collation."""
    if column.character_set != other.character_set:
        return _width(column) < _width(other)
    binary = (str(column.collation).endswith("_bin"), str(other.collation).endswith("_bin"))
    return column.collation != other.collation and binary == (False, True)


def _width(column: LargeTableColumn) -> int:
    """What a character set can hold, as the servers order them: anything fits into utf8mb4."""
    order = {"ascii": 0, "binary": 4, "utf8": 2, "utf8mb3": 2, "ucs2": 2, "utf16": 3, "utf32": 3, "utf8mb4": 3}
    return order.get(str(column.character_set), 1)


def _suffers(statement: HotStatement, narrow: Side, now: Snapshot) -> bool:
    """Whether the converted side is read whole: by the plan, else by the counters of the digest."""
    plan = plan_of(statement, now)
    if plan is not None:
        nodes = accesses_of(plan, narrow.table.name)
        return any(node.access in ("ALL", "index") or node.buffered for node in nodes)
    if statement.examined is None:
        return True
    return statement.examined >= narrow.table.rows / 2 or bool(statement.full_joins)
