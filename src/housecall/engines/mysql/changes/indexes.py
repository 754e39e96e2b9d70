"""Making and dropping indexes, always ALGORITHM=INPLACE, LOCK=NONE: readers and writers of the table go on.

The server refuses what it cannot do so, instead of blocking anybody. A build that fails is undone by the server.
Source: MySQL manual, "Online DDL Operations"; MariaDB Knowledge Base, "InnoDB Online DDL Overview".
"""

import re
from typing import Any, Literal

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.mysql.changes._common import (
    LOCK_SECONDS,
    Arguments,
    Table,
    find_table,
    is_busy,
    name_parts,
    one,
    reading_time,
    rows,
)
from housecall.engines.mysql.quoting import MAX_IDENTIFIER_CHARACTERS, qualified, quote_identifier
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.wording import Say

ONLINE = ", ALGORITHM=INPLACE, LOCK=NONE"

_INDEXES = """
SELECT i.TABLE_SCHEMA AS `schema`, i.TABLE_NAME AS table_name, i.INDEX_NAME AS name, MIN(i.NON_UNIQUE) = 0 AS is_unique,
    GROUP_CONCAT(COALESCE(i.COLUMN_NAME, '') ORDER BY i.SEQ_IN_INDEX SEPARATOR '\\n') AS columns
FROM information_schema.STATISTICS AS i
WHERE i.INDEX_NAME = %s AND i.TABLE_SCHEMA = COALESCE(%s, DATABASE(), i.TABLE_SCHEMA)
    AND i.TABLE_NAME = COALESCE(%s, i.TABLE_NAME)
    AND i.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY i.TABLE_SCHEMA, i.TABLE_NAME, i.INDEX_NAME
LIMIT 20
"""
_OF_TABLE = """
SELECT i.INDEX_NAME AS name,
    GROUP_CONCAT(COALESCE(i.COLUMN_NAME, '') ORDER BY i.SEQ_IN_INDEX SEPARATOR '\\n') AS columns
FROM information_schema.STATISTICS AS i
WHERE i.TABLE_SCHEMA = %s AND i.TABLE_NAME = %s
GROUP BY i.INDEX_NAME
"""
_COLUMNS = """
SELECT c.COLUMN_NAME AS name, c.DATA_TYPE AS type
FROM information_schema.COLUMNS AS c
WHERE c.TABLE_SCHEMA = %s AND c.TABLE_NAME = %s
ORDER BY c.ORDINAL_POSITION
"""
_KEYS_OUT = """
SELECT k.CONSTRAINT_NAME AS name, GROUP_CONCAT(k.COLUMN_NAME ORDER BY k.ORDINAL_POSITION SEPARATOR '\\n') AS columns
FROM information_schema.KEY_COLUMN_USAGE AS k
WHERE k.REFERENCED_TABLE_NAME IS NOT NULL AND k.TABLE_SCHEMA = %s AND k.TABLE_NAME = %s
GROUP BY k.CONSTRAINT_NAME
"""
_SIZE = """
SELECT s.stat_value * @@innodb_page_size AS size_bytes
FROM mysql.innodb_index_stats AS s
WHERE s.database_name = %s AND s.table_name = %s AND s.index_name = %s AND s.stat_name = 'size'
"""
_USES = """
SELECT u.COUNT_READ AS rows_read
FROM performance_schema.table_io_waits_summary_by_index_usage AS u
WHERE u.OBJECT_SCHEMA = %s AND u.OBJECT_NAME = %s AND u.INDEX_NAME = %s
"""
_NEEDS_LENGTH = {"text", "tinytext", "mediumtext", "longtext", "blob", "tinyblob", "mediumblob", "longblob"}
_COLUMN = re.compile(r"(.+?)\s*\(\s*(\d{1,4})\s*\)")

CREATE_TITLE = Say("Create index {name} on {table} ({columns})", "在 {table} 上创建索引 {name}（{columns}）")
DROP_TITLE = Say("Drop index {name} of {table}", "删除 {table} 的索引 {name}")
LOCK = Say(
    "a metadata lock on {table} for a moment at begin and end, waited for at most {seconds:duration}; reads and writes"
    " go on meanwhile",
    "开始和结束时对 {table} 短暂加元数据锁，最多等待 {seconds:duration}；期间读写不受影响",
)
BUILD_MORE = Say(
    "sorting and what is written meanwhile come on top, and a replica spends the same time after it",
    "排序以及期间的写入另需时间，备库随后也要花同样的时间",
)
DROP_DURATION = Say("a change of the dictionary only", "只修改数据字典")
CREATE_VERIFY = Say(
    "the index is there and the optimizer chooses it for its columns", "索引已存在，优化器按这些列会选用它"
)
DROP_VERIFY = Say(
    "the index is gone and its pages are free inside the table's file", "索引已消失，其页在表文件内变为空闲"
)
SERVES = Say("it enforces uniqueness: without it wrong rows can come in", "它保证唯一性：删除后可能写入错误数据")
USED = Say(
    "{rows:count} rows were read through it since the server started; on MySQL make it INVISIBLE first if in doubt",
    "服务器启动以来通过它读取了 {rows:count} 行；如有疑虑，MySQL 上可先将其设为 INVISIBLE",
)


class CreateIndexArguments(Arguments):
    """`columns` in order; a text column may have its length behind it: `title(50)`."""

    table: str
    columns: list[str] = Field(min_length=1, max_length=16)
    include: list[str] = Field(default_factory=list, max_length=32)
    unique: bool = False
    method: Literal["btree", "hash", "gin", "gist", "brin"] = "btree"
    name: str | None = Field(default=None, max_length=MAX_IDENTIFIER_CHARACTERS)


class IndexArguments(Arguments):
    """One index by name: `index`, `table.index` or `schema.table.index`."""

    index: str


async def compose_create(probe: Probe, arguments: CreateIndexArguments, instance_id: str) -> Change:
    if arguments.include or arguments.method != "btree":
        raise RequestError(
            "MySQL and MariaDB have no INCLUDE columns and, in InnoDB, B-tree indexes only: put the column at the end"
            " of the index instead"
        )
    table = await _online_table(probe, arguments.table)
    columns = await _checked(probe, table, arguments.columns)
    name = arguments.name or await _free_name(probe, table, [column for column, _ in columns])
    if await _named(probe, table.schema, table.name, name) is not None:
        raise RequestError(f"{table.qualified} has an index {name[:64]!r} already; choose another name")
    kind = "UNIQUE INDEX" if arguments.unique else "INDEX"
    listed = ", ".join(quote_identifier(column) + (f"({length})" if length else "") for column, length in columns)
    return Change(
        tool="create_index",
        instance_id=instance_id,
        arguments=arguments.model_dump() | {"table": table.qualified, "name": name},
        statements=(f"ALTER TABLE {table.qualified} ADD {kind} {quote_identifier(name)} ({listed}){ONLINE}",),
        title=CREATE_TITLE(name=name, table=table.qualified, columns=", ".join(arguments.columns)),
        lock=LOCK(table=table.qualified, seconds=LOCK_SECONDS),
        duration=await reading_time(probe, table, BUILD_MORE),
        risk="medium" if arguments.unique else "low",
        verify=CREATE_VERIFY(),
        state={"table": table.qualified, "created": table.created, "index": None},
        facts={"busy": await is_busy(probe), "size_bytes": table.size_bytes},
        rollback=(_drop(table.qualified, name),),
        size_bytes=table.size_bytes,
        lock_timeout_seconds=LOCK_SECONDS,
    )


async def _online_table(probe: Probe, name: str) -> Table:
    table = await find_table(probe, name)
    if table.engine != "InnoDB":
        raise RequestError(
            f"{table.qualified} is of engine {table.engine}, whose indexes can only be changed by copying the table"
            " while nobody may write; ALTER TABLE ... ENGINE=InnoDB in a quiet hour comes first"
        )
    return table


async def _checked(probe: Probe, table: Table, columns: list[str]) -> list[tuple[str, int | None]]:
    """The columns as the catalogue has them, with the length that was given. Raises RequestError."""
    known = {row["name"].lower(): row for row in await rows(probe, _COLUMNS, (table.schema, table.name))}
    found: list[tuple[str, int | None]] = []
    for column in columns:
        match = None if column.lower() in known else _COLUMN.fullmatch(column)
        name, length = (match[1], int(match[2])) if match else (column, None)
        row = known.get(name.strip("`").lower())
        if row is None:
            names = ", ".join(each["name"] for each in list(known.values())[:40])
            raise RequestError(f"{table.qualified} has no column {name[:64]!r}; it has {names}")
        if row["type"] in _NEEDS_LENGTH and not length:
            raise RequestError(
                f"Column {row['name']} is {row['type']}: an index needs a length, such as {row['name']}(50)"
            )
        found.append((row["name"], length))
    return found


async def _free_name(probe: Probe, table: Table, columns: list[str]) -> str:
    base = "_".join(["idx", *columns])[: MAX_IDENTIFIER_CHARACTERS - 4]
    for name in (base, *(f"{base}_{number}" for number in range(2, 100))):
        if await _named(probe, table.schema, table.name, name) is None:
            return name
    raise RequestError(f"Name the index: a hundred names like {base} are taken")


async def _named(probe: Probe, schema: str, table: str, name: str) -> dict[str, Any] | None:
    return await one(probe, _INDEXES, (name, schema, table))


async def find_index(probe: Probe, name: str) -> dict[str, Any]:
    """The one index of this name. Raises NotFound, and RequestError when several tables have one."""
    parts = name_parts(name, most=3)
    bare, before = parts[-1], parts[:-1]
    places: list[tuple[str | None, str | None]] = [(None, None)]
    if len(before) == 2:
        places = [(before[0], before[1])]
    elif before:
        places = [(None, before[0]), (before[0], None)]  # `orders.status` names a table, `shop.status` a database
    for schema, table in places:
        found = await rows(probe, _INDEXES, (bare, schema, table))
        if len(found) > 1:
            names = ", ".join(f"{qualified(row['schema'], row['table_name'])}.{row['name']}" for row in found[:10])
            raise RequestError(f"Several tables have an index {bare[:64]!r}: {names}; name the table")
        if found:
            return found[0]
    raise NotFound(f"There is no index {name[:130]!r} that this account can see")


async def compose_drop(probe: Probe, arguments: IndexArguments, instance_id: str) -> Change:
    index = await find_index(probe, arguments.index)
    table = await _online_table(probe, qualified(index["schema"], index["table_name"]))
    if index["name"] == "PRIMARY":
        raise RequestError(
            f"PRIMARY is the primary key of {table.qualified}: it holds the rows and is not dropped here"
        )
    await _refuse_for_foreign_keys(probe, table, index)
    definition = await _definition(probe, table, index["name"])
    uses = await _quietly(probe, _USES, (table.schema, table.name, index["name"]))
    read = int(uses["rows_read"]) if uses else 0
    caution = SERVES() if index["is_unique"] else USED(rows=read) if read else None
    size = await _quietly(probe, _SIZE, (table.schema, table.name, index["name"]))
    return Change(
        tool="drop_index",
        instance_id=instance_id,
        arguments={"index": f"{table.qualified}.{quote_identifier(index['name'])}"},
        statements=(_drop(table.qualified, index["name"]),),
        title=DROP_TITLE(name=index["name"], table=table.qualified),
        lock=LOCK(table=table.qualified, seconds=LOCK_SECONDS),
        duration=DROP_DURATION(),
        risk="high" if index["is_unique"] else "medium" if read else "low",
        verify=DROP_VERIFY(),
        state={"table": table.qualified, "index": index["name"], "definition": definition},
        facts={"drops": True},
        rollback=(f"ALTER TABLE {table.qualified} ADD {definition}{ONLINE}",),
        caution=caution,
        size_bytes=int(size["size_bytes"]) if size else None,
        lock_timeout_seconds=LOCK_SECONDS,
    )


def _drop(table: str, name: str) -> str:
    return f"ALTER TABLE {table} DROP INDEX {quote_identifier(name)}{ONLINE}"


async def _refuse_for_foreign_keys(probe: Probe, table: Table, index: dict[str, Any]) -> None:
    """Each foreign key needs an index that begins with its columns; the server would refuse, less plainly."""
    others = [row for row in await rows(probe, _OF_TABLE, (table.schema, table.name)) if row["name"] != index["name"]]
    for key in await rows(probe, _KEYS_OUT, (table.schema, table.name)):
        serves = _begins(index["columns"], key["columns"])
        if serves and not any(_begins(other["columns"], key["columns"]) for other in others):
            raise RequestError(
                f"{index['name']} is the only index for the foreign key {key['name']} of {table.qualified}; it goes"
                " only with that key or after another index on the same columns"
            )


def _begins(columns: str, with_columns: str) -> bool:
    wanted = with_columns.lower().split("\n")
    return columns.lower().split("\n")[: len(wanted)] == wanted


async def _definition(probe: Probe, table: Table, name: str) -> str:
    """`KEY x (a, b)` as the server writes it. Raises NotFound when it does not show it."""
    result = await probe.query_trusted(f"SHOW CREATE TABLE {table.qualified}")
    head = re.compile(rf"\s*((?:UNIQUE |FULLTEXT |SPATIAL )?KEY `{re.escape(name.replace('`', '``'))}` .*?),?\s*")
    for line in str(result.rows[0][1]).splitlines():
        match = head.fullmatch(line)
        if match:
            return match[1]
    raise NotFound(f"{table.qualified} shows no index {name!r}")


async def _quietly(probe: Probe, sql: str, parameters: tuple[Any, ...]) -> dict[str, Any] | None:
    """What is worth telling when the account may see it."""
    try:
        return await one(probe, sql, parameters)
    except HousecallError:
        return None


def _place(arguments: Json) -> tuple[str, str, str]:
    """Schema, table and name of the index that composed arguments name."""
    if "columns" in arguments:
        schema, table = name_parts(str(arguments["table"]))
        return schema, table, str(arguments["name"])
    schema, table, name = name_parts(str(arguments["index"]), most=3)
    return schema, table, name


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    """The index as it is; for a new one, which index the optimizer chooses for its columns."""
    schema, table, name = _place(change.arguments)
    index = await _named(probe, schema, table, name)
    found: dict[str, Any] = {"index_exists": index is not None}
    size = await _quietly(probe, _SIZE, (schema, table, name))
    if index is not None and size:
        found["index_bytes"] = int(size["size_bytes"])
    if change.tool == "create_index":
        found |= await _chosen(probe, change.arguments)
    return found


async def _chosen(probe: Probe, arguments: Json) -> dict[str, Any]:
    columns = [_COLUMN.sub(r"\1", str(column)) for column in arguments["columns"]]
    conditions = " AND ".join(f"{quote_identifier(column.strip('`'))} = '1'" for column in columns)
    try:
        plan = await probe.explain(f"SELECT 1 FROM {arguments['table']} WHERE {conditions}")
    except HousecallError:
        return {}  # the account may not read the table; the rest is still worth telling
    return {"planner_uses": ", ".join(sorted(set(_keys(plan)))) or "no index"}


def _keys(plan: Any) -> list[str]:
    if isinstance(plan, list):
        return [key for each in plan for key in _keys(each)]
    if not isinstance(plan, dict):
        return []
    own = [str(plan["key"])] if isinstance(plan.get("key"), str) else []
    return own + [key for name, each in plan.items() if name != "notes" for key in _keys(each)]


_BUILDING = (
    "SELECT COUNT(*) AS sessions FROM information_schema.PROCESSLIST WHERE INFO LIKE %s AND ID <> CONNECTION_ID()"
)


async def look_up(probe: Probe, tool: str, arguments: Json, _state: Json, _since: str) -> Told:
    schema, table, name = _place(arguments)
    pattern = f"ALTER TABLE {qualified(schema, table)} %{quote_identifier(name)}%"
    building = await one(probe, _BUILDING, (pattern,))
    if building and building["sessions"]:
        return Told("running", f"The server still works on {name}.")
    there = await _named(probe, schema, table, name) is not None
    if tool == "drop_index":
        return Told("not_happened", f"{name} is still there.") if there else Told("happened", f"{name} is gone.")
    return Told("happened", f"{name} is there.") if there else Told("not_happened", f"There is no index {name}.")
