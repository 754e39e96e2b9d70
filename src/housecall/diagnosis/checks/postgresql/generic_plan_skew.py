"""Prepared statements with one plan for values that are rare and values that are common.

Why it matters: a generic plan is made for an average value. Where one value fills most of a column, the average wants
the whole table read, and rare values, that an index would find at once, are read so too.
How to fix: take plan_cache_mode = force_generic_plan back; for one statement force_custom_plan for its role.
Cannot see: which plan a session really uses (the server shows it to that session alone); it is inferred from the
setting, or from statements that read the whole table and return a few rows of it.
Source: PostgreSQL manual, plan_cache_mode and PREPARE ("Notes").
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.checks.postgresql._settings import setting, stored_for_roles
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, plan_of, scans_of
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.generic_plan_skew",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("One plan for rare and common values", "罕见值与常见值共用一个执行计划"),
    thresholds=[
        Threshold("min_share", 0.05, "of all statement time; below it, nobody would notice the change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.002, "mean time of a run; below it the table is small enough to be read whole"),
        Threshold("min_rows", 10_000, "a smaller table is read in under a few milliseconds"),
        Threshold("min_top_share", 0.5, "of the rows hold one value: the average is far from every rare value"),
        Threshold("max_returned_share", 0.1, "of the rows come back: an index would have found them"),
        Threshold("min_blocks_share", 0.5, "of the table's blocks are read each time: it is read whole"),
    ],
    needs_window=True,
)
_SKEW = Say(
    "{statement:code} reads all of {table} by one plan for every value of {column}; {share:percent} of the rows"
    " hold one"
    " value, and an index would serve the others.",
    "{statement:code} 对 {column} 的所有取值使用同一个计划并全表读取 {table}；有 {share:percent} 的行是同一个值，"
    "其他值本可用索引。",
)
_SCANNED = Say(
    "{statement:code} reads all of {table} though {column} is indexed: with plan_cache_mode = force_generic_plan"
    " one plan"
    " serves every value.",
    "{column} 有索引，{statement:code} 仍全表读取 {table}：plan_cache_mode = force_generic_plan"
    " 使所有取值共用一个计划。",
)
_FORCED = Say(
    "plan_cache_mode is force_generic_plan for {scope}: prepared statements never look at their values.",
    "{scope} 的 plan_cache_mode 为 force_generic_plan：预备语句制定计划时从不考虑实际取值。",
)
_EQUALS_PARAMETER = re.compile(r"(?:\b\w+\.)?\"?(\w+)\"?\s*=\s*\$\d+")


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    forced = forced_for(now)
    hot = [each for each in hot_statements(now, earlier) if each.share >= limits["min_share"]]
    skewed = [finding for each in hot for finding in _skewed(each, forced, now, limits)]
    yield from skewed
    for scope, stored in forced if not skewed else []:
        reading: type[RoleSetting] | type[ServerSetting] = RoleSetting if stored else ServerSetting
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "plan_cache_mode", "setting", _FORCED(scope=scope),
            measured(reading, value=("force_generic_plan", "text"), set_for=(scope, "text")),
            details={"forced": _plain(forced), "column": None},
            identity=f"plan_cache_mode {scope}",
        )  # fmt: skip


def forced_for(now: Snapshot) -> list[tuple[str, RoleSetting | None]]:
    """Where force_generic_plan is set: for databases and roles, or (None) for the server."""
    stored = [each for each in stored_for_roles(now) if each.name == "plan_cache_mode"]
    found: list[tuple[str, RoleSetting | None]] = [
        (scope_of(each), each) for each in stored if each.value == "force_generic_plan"
    ]
    server = setting(now, "plan_cache_mode")
    if server and server.value == "force_generic_plan" and server.source not in ("database", "user", "database user"):
        found.append(("the server", None))
    return found


def _plain(forced: list[tuple[str, RoleSetting | None]]) -> list[dict[str, str | None]]:
    return [
        {
            "scope": scope, "role": stored.role_name if stored else None,
            "database": stored.database_name if stored else None,
        }
        for scope, stored in forced
    ]  # fmt: skip


def _skewed(
    statement: HotStatement, forced: list[tuple[str, RoleSetting | None]], now: Snapshot, limits: Limits
) -> Iterator[Finding]:
    for table in now.rows(HotTable):
        if table.live_rows < limits["min_rows"] or table.table_name not in statement.shape.tables:
            continue
        for name in dict.fromkeys(_EQUALS_PARAMETER.findall(statement.query)):
            column = _column(table, name, now)
            if column is None or not _is_indexed(table, name, now) or not _reads_whole(statement, table, now, limits):
                continue
            share = column.top_share
            is_skewed = share is not None and share >= limits["min_top_share"]
            is_rare = _returns_few(statement, table, limits)
            if (forced and (is_skewed or share is None)) or (not forced and is_skewed and is_rare):
                yield _finding(statement, table, column, forced, now, limits)
                return


def _column(table: HotTable, name: str, now: Snapshot) -> HotColumn | None:
    rows = now.get(HotColumn)
    known = () if isinstance(rows, Unavailable) else rows
    place = (table.schema_name, table.table_name, name)
    return next((row for row in known if (row.schema_name, row.table_name, row.column_name) == place), None)


def _is_indexed(table: HotTable, name: str, now: Snapshot) -> bool:
    rows = now.get(HotIndex)
    known = () if isinstance(rows, Unavailable) else rows
    return any(
        row.is_valid and row.keys[:1] == [name]
        for row in known
        if (row.schema_name, row.table_name) == (table.schema_name, table.table_name)
    )


def _reads_whole(statement: HotStatement, table: HotTable, now: Snapshot, limits: Limits) -> bool:
    """The generic plan scans the table, and the blocks of a call are those of the whole table."""
    plan = plan_of(statement, now)
    if plan is not None and not scans_of(plan, table.table_name, "full_scan"):
        return False
    blocks = table.size_bytes / 8192
    return statement.blocks_per_call is not None and statement.blocks_per_call >= limits["min_blocks_share"] * blocks


def _returns_few(statement: HotStatement, table: HotTable, limits: Limits) -> bool:
    """Rows that come back; a statement that counts them returns one whatever the value, which proves nothing."""
    rows = statement.rows_per_call
    counts = re.search(r"\b(count|sum|avg|min|max|bool_and|bool_or|array_agg|string_agg)\s*\(", statement.query, re.I)
    return rows is not None and not counts and rows <= limits["max_returned_share"] * table.live_rows


def _finding(
    statement: HotStatement, table: HotTable, column: HotColumn, forced: list[tuple[str, RoleSetting | None]],
    now: Snapshot, limits: Limits,
) -> Finding:  # fmt: skip
    name = table_name(table.schema_name, table.table_name)
    share = column.top_share
    values = {"statement": statement.text, "table": name, "column": column.column_name}
    message = _SCANNED(**values) if share is None else _SKEW(**values, share=share)
    severity = severity_of(statement, limits["warning_share"], limits["warning_seconds"])
    finding = statement_finding(
        CHECK, statement, now, severity, message, table=table.table_name, schema=table.schema_name,
        column=column.column_name, top_share=share, forced=_plain(forced),
    )  # fmt: skip
    more = measured(HotColumn, share_of_the_commonest_value=(share and round(share, 4), "share"))
    more += measured(HotTable, live_rows=(table.live_rows, "count"), table_size=(table.size_bytes, "bytes"))
    return Finding(
        finding.check, finding.item, finding.severity, finding.object, finding.object_kind, finding.message,
        finding.evidence + tuple(each for each in more if each.value is not None), finding.details, finding.identity,
    )  # fmt: skip
