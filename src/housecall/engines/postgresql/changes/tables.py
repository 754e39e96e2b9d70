"""ANALYZE, VACUUM and storage options of one table. VACUUM FULL is not offered: it rewrites the table under a lock."""

import re
from typing import Any

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.postgresql.changes._common import (
    Arguments,
    find_table,
    is_busy,
    one,
    reading_time,
)
from housecall.engines.postgresql.quoting import quote_literal
from housecall.errors import RequestError
from housecall.wording import Say

PAGE_BYTES = 8192
ANALYZE_PAGES = 30_000
"""ANALYZE samples 300 rows for each unit of the statistics target (100), from as many pages at most.

Source: PostgreSQL, src/backend/commands/analyze.c.
"""

_OPTION = re.compile(r"(?:toast\.)?[a-z][a-z_]{1,62}", re.ASCII)
_EXCLUSIVE_OPTIONS = frozenset({"user_catalog_table"})

_STATISTICS = """
SELECT coalesce(s.n_dead_tup, 0)::bigint AS dead_rows, coalesce(s.n_live_tup, 0)::bigint AS live_rows,
    coalesce(s.n_mod_since_analyze, 0)::bigint AS changed_since_analyze,
    greatest(s.last_analyze, s.last_autoanalyze)::text AS analyzed_at,
    greatest(s.last_vacuum, s.last_autovacuum)::text AS vacuumed_at,
    pg_catalog.age(c.relfrozenxid)::bigint AS transaction_id_age,
    c.reltuples::float8 AS estimated_rows,
    pg_catalog.pg_relation_size(c.oid)::bigint AS table_bytes,
    c.relpages::bigint AS pages, c.relallvisible::bigint AS visible_pages,
    coalesce((SELECT sum(pg_catalog.pg_relation_size(i.indexrelid)) FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = c.oid), 0)::bigint AS index_bytes
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = c.oid
WHERE c.oid = %s
"""

ANALYZE_TITLE = Say("Collect planner statistics of {table}", "收集 {table} 的统计信息")
VACUUM_TITLE = Say("Vacuum {table} ({dead:count} dead rows estimated)", "清理 {table}（估计 {dead:count} 个死元组）")
OPTION_TITLE = Say("Set option {option} of {table} to {value}", "将 {table} 的选项 {option} 设为 {value}")
RESET_TITLE = Say("Reset option {option} of {table}", "重置 {table} 的选项 {option}")
LOCK = Say(
    "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on; DDL, VACUUM and ANALYZE of the table wait",
    "对 {table} 加 SHARE UPDATE EXCLUSIVE 锁：读写不受影响；该表的 DDL、VACUUM 和 ANALYZE 会等待",
)
EXCLUSIVE = Say(
    "ACCESS EXCLUSIVE on {table}: every other session waits while it lasts (milliseconds, once it has the lock)",
    "对 {table} 加 ACCESS EXCLUSIVE 锁：期间其他会话都会等待（获得锁后为毫秒级）",
)
VACUUM_LOCK = Say(
    "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on; at the end it may take ACCESS EXCLUSIVE for moments to"
    " give free pages back, and leaves that out when somebody waits",
    "对 {table} 加 SHARE UPDATE EXCLUSIVE 锁：读写不受影响；"
    "结束时可能短暂加 ACCESS EXCLUSIVE 锁归还空闲页，有人等待时会放弃",
)
ANALYZE_MORE = Say("at most {pages:count} pages are sampled", "最多采样 {pages:count} 页")
VACUUM_MORE = Say(
    "pages that are all visible are skipped; cost-based delays do not apply", "全部可见的页会跳过；不受代价延迟影响"
)
NOTHING = Say("nothing to undo: no row changes", "无需撤销：不修改任何行")
MOMENT = Say("a change of the catalogue only", "只修改系统目录")
ANALYZE_VERIFY = Say(
    "the time of the last ANALYZE moves, changes since then fall to 0", "最近一次 ANALYZE 时间更新，其后的变更数归零"
)
VACUUM_VERIFY = Say("dead rows fall", "死元组减少")
OPTION_VERIFY = Say("the table has the option", "表已具有该选项")


class TableArguments(Arguments):
    """One table by name."""

    table: str


class VacuumArguments(TableArguments):
    """`freeze` also freezes old rows, against transaction id wraparound."""

    analyze: bool = True
    freeze: bool = False


class OptionArguments(TableArguments):
    """A storage option such as autovacuum_vacuum_scale_factor; no value resets it."""

    option: str
    value: str | None = Field(default=None, max_length=64)


async def compose_analyze(probe: Probe, arguments: TableArguments, instance_id: str) -> Change:
    table = await find_table(probe, arguments.table, "rmp")
    size = min(table.size_bytes, ANALYZE_PAGES * PAGE_BYTES)
    more = Say(ANALYZE_MORE(pages=ANALYZE_PAGES).render("en"), ANALYZE_MORE(pages=ANALYZE_PAGES).render("zh-CN"))
    return Change(
        tool="analyze_table",
        instance_id=instance_id,
        arguments={"table": table.qualified},
        statements=(f"ANALYZE {table.qualified}",),
        title=ANALYZE_TITLE(table=table.qualified),
        lock=LOCK(table=table.qualified),
        duration=await reading_time(probe, table, size, more),
        risk="low",
        verify=ANALYZE_VERIFY(),
        state={"table": table.qualified, "table_oid": table.oid},
        facts={"size_bytes": table.total_bytes},
        rollback_note=NOTHING(),
        size_bytes=table.total_bytes,
        lock_timeout_seconds=60.0,
    )


async def compose_vacuum(probe: Probe, arguments: VacuumArguments, instance_id: str) -> Change:
    table = await find_table(probe, arguments.table)
    found = await _statistics(probe, table.oid)
    words = [word for word, wanted in (("FREEZE", arguments.freeze), ("ANALYZE", arguments.analyze)) if wanted]
    options = f" ({', '.join(words)})" if words else ""
    pages = max(int(found["pages"]) - int(found["visible_pages"]), 0)
    size = (table.size_bytes if arguments.freeze else min(pages * PAGE_BYTES, table.size_bytes)) + found["index_bytes"]
    return Change(
        tool="vacuum_table",
        instance_id=instance_id,
        arguments=arguments.model_dump() | {"table": table.qualified},
        statements=(f"VACUUM{options} {table.qualified}",),
        title=VACUUM_TITLE(table=table.qualified, dead=found["dead_rows"]),
        lock=VACUUM_LOCK(table=table.qualified),
        duration=await reading_time(probe, table, size, VACUUM_MORE),
        risk="low",
        verify=VACUUM_VERIFY(),
        state={"table": table.qualified, "table_oid": table.oid},
        facts={"size_bytes": table.total_bytes, "freezes": arguments.freeze},
        rollback_note=NOTHING(),
        size_bytes=table.total_bytes,
        lock_timeout_seconds=60.0,
    )


async def compose_option(probe: Probe, arguments: OptionArguments, instance_id: str) -> Change:
    option = arguments.option.strip().lower()
    if not _OPTION.fullmatch(option):
        raise RequestError(f"{arguments.option[:80]!r} is no name of a storage option, such as fillfactor")
    table = await find_table(probe, arguments.table)
    before = await _option(probe, table.oid, option)
    reset = f"ALTER TABLE {table.qualified} RESET ({option})"
    value = arguments.value
    statement = reset if value is None else f"ALTER TABLE {table.qualified} SET ({option} = {quote_literal(value)})"
    undo = reset if before is None else f"ALTER TABLE {table.qualified} SET ({option} = {quote_literal(before)})"
    exclusive = option in _EXCLUSIVE_OPTIONS
    return Change(
        tool="set_table_option",
        instance_id=instance_id,
        arguments={"table": table.qualified, "option": option, "value": value},
        statements=(statement,),
        title=RESET_TITLE(option=option, table=table.qualified)
        if value is None
        else OPTION_TITLE(option=option, table=table.qualified, value=value),
        lock=(EXCLUSIVE if exclusive else LOCK)(table=table.qualified),
        duration=MOMENT(),
        risk="medium",
        verify=OPTION_VERIFY(),
        state={"table": table.qualified, "table_oid": table.oid, "option": option, "value": before},
        facts={"exclusive": exclusive, "busy": await is_busy(probe, table.oid)},
        rollback=(undo,),
        size_bytes=table.total_bytes,
    )


async def _statistics(probe: Probe, oid: int) -> dict[str, Any]:
    found = await one(probe, _STATISTICS, (oid,))
    assert found is not None
    return found


async def _option(probe: Probe, oid: int, option: str) -> str | None:
    prefixed = option.startswith("toast.")
    found = await one(
        probe,
        "SELECT o.option_value AS value FROM pg_catalog.pg_class AS c"
        " JOIN pg_catalog.pg_class AS r ON r.oid = CASE WHEN %s THEN c.reltoastrelid ELSE c.oid END"
        " CROSS JOIN LATERAL pg_catalog.pg_options_to_table(r.reloptions) AS o"
        " WHERE c.oid = %s AND o.option_name = %s",
        (prefixed, oid, option.removeprefix("toast.")),
    )
    return None if found is None else str(found["value"])


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    oid = int(change.state["table_oid"])
    if change.tool == "set_table_option":
        return {"value": await _option(probe, oid, str(change.state["option"]))}
    found = await _statistics(probe, oid)
    names = ["changed_since_analyze", "analyzed_at", "estimated_rows"]
    if change.tool == "vacuum_table":
        names = ["dead_rows", "vacuumed_at", "transaction_id_age", "table_bytes"]
    return {name: found[name] for name in names}


async def look_up(probe: Probe, tool: str, arguments: Json, state: Json, since: str) -> Told:
    oid, table = int(state["table_oid"]), state["table"]
    if tool == "set_table_option":
        now = await _option(probe, oid, str(state["option"]))
        return Told(
            "happened" if now == arguments["value"] else "not_happened",
            f"{state['option']} of {table} is {now if now is not None else 'not set'}.",
        )
    column = "last_analyze" if tool == "analyze_table" else "last_vacuum"
    found = await one(
        probe,
        f"SELECT {column}::text AS at, coalesce({column} >= %s::timestamptz, false) AS since"
        " FROM pg_catalog.pg_stat_all_tables WHERE relid = %s",
        (since, oid),
    )
    if found is not None and found["since"]:
        return Told("happened", f"{table}: finished at {found['at']}.")
    return Told("unknown", f"{table}: no run of this kind has finished since {since}; it may still run there.")
