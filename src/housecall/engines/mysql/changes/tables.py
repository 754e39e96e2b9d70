"""ANALYZE, a rebuild, and the statistics options of one table."""

from typing import Any

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.mysql.changes._common import (
    LOCK_SECONDS,
    Arguments,
    Table,
    find_table,
    is_busy,
    one,
    reading_time,
)
from housecall.engines.mysql.changes.indexes import IndexArguments, find_index
from housecall.engines.mysql.quoting import qualified
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.wording import Say

OPTIONS = {"stats_auto_recalc": ("0", "1"), "stats_persistent": ("0", "1"), "stats_sample_pages": None}
"""What can be set on a table in the dictionary alone, without building it anew."""

_STATISTICS = """
SELECT CAST(s.last_update AS CHAR) AS analyzed_at, s.n_rows AS statistics_rows
FROM mysql.innodb_table_stats AS s
WHERE s.database_name = %s AND s.table_name = %s
"""

ANALYZE_TITLE = Say("Collect optimizer statistics of {table}", "收集 {table} 的优化器统计信息")
REBUILD_TITLE = Say(
    "Build {table} anew with all its indexes ({free:bytes} free inside it now)",
    "重建 {table} 及其全部索引（表内现有空闲 {free:bytes}）",
)
OPTION_TITLE = Say("Set option {option} of {table} to {value}", "将 {table} 的选项 {option} 设为 {value}")
ANALYZE_LOCK = Say(
    "none that stops reads or writes of {table}; they wait only for a moment when the new statistics are taken up",
    "不阻塞 {table} 的读写；仅在换用新统计信息时短暂等待",
)
ANALYZE_CAUTION = Say(
    "while a statement on the table runs for long, later ones may wait until it ends (MariaDB, MySQL before 8.0.24)",
    "若该表上有长时间运行的语句，后续语句可能要等它结束（MariaDB，以及 8.0.24 之前的 MySQL）",
)
REBUILD_LOCK = Say(
    "a metadata lock on {table} for a moment at begin and end, waited for at most {seconds:duration}; reads and writes"
    " go on meanwhile",
    "开始和结束时对 {table} 短暂加元数据锁，最多等待 {seconds:duration}；期间读写不受影响",
)
REBUILD_CAUTION = Say(
    "it needs as much free disk space as the table takes ({bytes:bytes}) while it runs, and a replica repeats it",
    "执行期间需要与表等量的磁盘空间（{bytes:bytes}），备库也会重做一遍",
)
REBUILD_MORE = Say("every row and index is written anew", "所有行和索引都会重写")
OPTION_LOCK = Say(
    "an exclusive metadata lock on {table} for a moment; it gives up after {seconds:duration} of waiting",
    "对 {table} 短暂加排他元数据锁；等待超过 {seconds:duration} 即放弃",
)
SAMPLED = Say("a sample of pages is read, a second or less for most tables", "只读取部分页，多数表不到一秒")
MOMENT = Say("a change of the dictionary only", "只修改数据字典")
NOTHING = Say("nothing to undo: no row changes", "无需撤销：不修改任何行")
ANALYZE_VERIFY = Say("the time of the statistics moves", "统计信息的时间更新")
REBUILD_VERIFY = Say("free space inside the table falls", "表内空闲空间减少")
OPTION_VERIFY = Say("the table has the option", "表已具有该选项")


class TableArguments(Arguments):
    """One table by name."""

    table: str


class OptionArguments(TableArguments):
    """A statistics option of the table; no value gives it back to the server's setting."""

    option: str
    value: str | None = Field(default=None, max_length=16)


async def compose_analyze(probe: Probe, arguments: TableArguments, instance_id: str) -> Change:
    table = await find_table(probe, arguments.table)
    return Change(
        tool="analyze_table",
        instance_id=instance_id,
        arguments={"table": table.qualified},
        statements=(f"ANALYZE TABLE {table.qualified}",),
        title=ANALYZE_TITLE(table=table.qualified),
        lock=ANALYZE_LOCK(table=table.qualified),
        duration=SAMPLED(),
        risk="low",
        verify=ANALYZE_VERIFY(),
        state={"table": table.qualified, "created": table.created},
        facts={"size_bytes": table.size_bytes},
        rollback_note=NOTHING(),
        caution=ANALYZE_CAUTION(),
        size_bytes=table.size_bytes,
        lock_timeout_seconds=LOCK_SECONDS,
    )


async def compose_rebuild(probe: Probe, arguments: IndexArguments, instance_id: str) -> Change:
    """InnoDB rebuilds no single index: the table is built anew, with all of them."""
    table = await _table_or_index(probe, arguments.index)
    if table.engine != "InnoDB":
        raise RequestError(f"{table.qualified} is of engine {table.engine}: its rebuild would keep writers out")
    return Change(
        tool="rebuild_index",
        instance_id=instance_id,
        arguments={"index": table.qualified},
        statements=(f"ALTER TABLE {table.qualified} ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE",),
        title=REBUILD_TITLE(table=table.qualified, free=table.free_bytes),
        lock=REBUILD_LOCK(table=table.qualified, seconds=LOCK_SECONDS),
        duration=await reading_time(probe, table, REBUILD_MORE),
        risk="medium",
        verify=REBUILD_VERIFY(),
        state={"table": table.qualified, "created": table.created},
        facts={"rewrites": True, "busy": await is_busy(probe)},
        rollback_note=NOTHING(),
        caution=REBUILD_CAUTION(bytes=table.size_bytes),
        size_bytes=table.size_bytes,
        lock_timeout_seconds=LOCK_SECONDS,
    )


async def _table_or_index(probe: Probe, name: str) -> Table:
    try:
        index = await find_index(probe, name)
    except NotFound:
        return await find_table(probe, name)
    return await find_table(probe, qualified(index["schema"], index["table_name"]))


async def compose_option(probe: Probe, arguments: OptionArguments, instance_id: str) -> Change:
    option, value = arguments.option.strip().lower(), (arguments.value or "default").strip().lower()
    if option not in OPTIONS:
        raise RequestError(
            f"{option[:60]!r} is no option that changes without a rebuild of the table; those are: {', '.join(OPTIONS)}"
        )
    allowed = OPTIONS[option]
    known = value == "default" or (value in allowed if allowed else value.isdigit() and 0 < int(value) < 65536)
    if not known:
        raise RequestError(f"{option} takes {', '.join(allowed) if allowed else '1 to 65535'} or default")
    table = await find_table(probe, arguments.table)
    before = _option_of(table, option)
    return Change(
        tool="set_table_option",
        instance_id=instance_id,
        arguments={"table": table.qualified, "option": option, "value": value},
        statements=(_set(table, option, value),),
        title=OPTION_TITLE(option=option, table=table.qualified, value=value),
        lock=OPTION_LOCK(table=table.qualified, seconds=LOCK_SECONDS),
        duration=MOMENT(),
        risk="low",
        verify=OPTION_VERIFY(),
        state={"table": table.qualified, "created": table.created, "option": option, "value": before},
        facts={"exclusive": True, "busy": await is_busy(probe)},
        rollback=(_set(table, option, before),),
        lock_timeout_seconds=LOCK_SECONDS,
    )


def _set(table: Table, option: str, value: str) -> str:
    return f"ALTER TABLE {table.qualified} {option.upper()}={value.upper()}"


def _option_of(table: Table, option: str) -> str:
    for part in table.create_options.lower().split():
        name, _, value = part.partition("=")
        if name == option:
            return value
    return "default"


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    table = await find_table(probe, str(change.state["table"]))
    found: dict[str, Any] = {}
    if change.tool == "set_table_option":
        return {"value": _option_of(table, str(change.state["option"]))}
    if change.tool == "rebuild_index":
        found = {"table_bytes": table.size_bytes, "free_bytes": table.free_bytes}
    try:
        statistics = await one(probe, _STATISTICS, (table.schema, table.name))
    except HousecallError:
        statistics = None
    return found | ({"analyzed_at": statistics["analyzed_at"]} if statistics else {})


async def look_up(probe: Probe, tool: str, arguments: Json, state: Json, since: str) -> Told:
    table = await find_table(probe, str(state["table"]))
    if tool == "set_table_option":
        done = _option_of(table, str(state["option"])) == str(arguments["value"])
        name = f"{state['option']} of {table.qualified}"
        return Told("happened", f"{name} is set.") if done else Told("not_happened", f"{name} is as it was.")
    if tool == "rebuild_index":
        if table.created != state["created"]:
            return Told("happened", f"{table.qualified} was built anew at {table.created}.")
        return Told("not_happened", f"{table.qualified} is as it was.")
    return Told("unknown", f"Whether {table.qualified} was analysed since {since} is told by mysql.innodb_table_stats.")
