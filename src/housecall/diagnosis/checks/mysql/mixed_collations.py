"""Databases whose text columns have several collations, or a character set that cannot hold every character.

Why it matters: columns of two collations cannot be compared, or only without an index; latin1 and utf8mb3 refuse an
emoji and many Chinese characters.
How to fix: one collation of utf8mb4 for new tables (ALTER DATABASE … DEFAULT), old columns one after the other.
Source: MySQL manual, "Character Sets, Collations, Unicode"; see also MySQLTuner and Alibaba's SQL lint.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import ColumnCharset
from housecall.wording import Say

CHECK = Check(
    id="mysql.mixed_collations",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Mixed character sets and collations", zh="字符集与排序规则混用"),
    thresholds=[
        Threshold("min_columns", 3, "columns of the rarer collation: one or two are codes, made so on purpose"),
    ],
)
_MIXED = Say(
    en="Text columns of database {database} have {collations:count} collations: {told}; comparisons between them fail"
    " or use no index.",
    zh="数据库 {database} 的文本列有 {collations:count} 种排序规则：{told}；跨规则比较会报错或用不上索引。",
)
_NARROW = Say(
    en="{columns:count} text column{columns:|s} of database {database} {columns:is|are} {set}, which cannot hold every"
    " character.",
    zh="数据库 {database} 有 {columns:count} 个文本列使用 {set}，无法保存所有字符。",
)
_WHOLE = ("utf8mb4", "utf16", "utf32", "binary")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    by_database: dict[str, list[ColumnCharset]] = {}
    for row in now.rows(ColumnCharset):
        if row.columns >= limits["min_columns"]:
            by_database.setdefault(row.schema_name, []).append(row)
    for database, rows in by_database.items():
        plain = [row for row in rows if not row.collation.endswith("_bin")]
        if len(plain) > 1:
            yield _mixed(database, plain)
        elif rows[0].character_set not in _WHOLE:
            yield _narrow(database, rows[0])


def _mixed(database: str, rows: list[ColumnCharset]) -> Finding:
    told = ", ".join(f"{row.collation} ({row.columns})" for row in rows[:5])
    name = quote_identifier(database)
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, name, "database",
        _MIXED(database=name, collations=len(rows), told=told),
        measured(ColumnCharset, collations=(told, "text"), example=(rows[-1].example, "name")),
        details={"database": database, "collations": [row.collation for row in rows]},
    )  # fmt: skip


def _narrow(database: str, row: ColumnCharset) -> Finding:
    name = quote_identifier(database)
    return Finding(
        CHECK.id, CHECK.item, Severity.INFO, name, "database",
        _NARROW(columns=row.columns, database=name, set=row.character_set),
        measured(ColumnCharset, character_set=(row.character_set, "name"), columns=(row.columns, "count")),
        details={"database": database, "collations": [row.collation]},
    )  # fmt: skip
