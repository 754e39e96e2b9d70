"""Making, dropping and rebuilding indexes, always CONCURRENTLY: readers and writers of the table go on.

A concurrent build that fails leaves an invalid index behind, which costs every write and serves nobody: `look_up` and
the result of a failed change name it with the statement that removes it.
"""

from typing import Any, Literal

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.postgresql.changes._common import (
    CONCURRENT_LOCK_SECONDS,
    Arguments,
    Relation,
    find_relation,
    find_table,
    is_busy,
    name_parts,
    one,
    reading_time,
    rows,
)
from housecall.engines.postgresql.quoting import clip_identifier, qualified, quote_identifier
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.wording import Say

Method = Literal["btree", "hash", "gin", "gist", "brin"]

_INDEX = """
SELECT i.indexrelid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name, i.indisvalid AS valid,
    i.indisunique AS is_unique, pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
    i.indisreplident AS replica_identity, c.relkind::text AS kind, c.relispartition AS is_partition,
    (SELECT conname::text FROM pg_catalog.pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x')
     LIMIT 1) AS constraint_name,
    pg_catalog.pg_relation_size(i.indexrelid)::bigint AS size_bytes,
    t.oid::bigint AS table_oid, tn.nspname::text AS table_schema, t.relname::text AS table_name,
    pg_catalog.pg_relation_size(t.oid)::bigint AS table_bytes, coalesce(s.idx_scan, 0)::bigint AS scans
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_stat_all_indexes AS s ON s.indexrelid = i.indexrelid
WHERE c.relname = %s AND n.nspname = %s
"""
_COLUMNS = """
SELECT a.attname::text AS name
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
"""
_BUILDING = """
SELECT count(*)::int AS sessions FROM pg_catalog.pg_stat_activity
WHERE application_name = 'housecall change' AND state = 'active' AND query LIKE %s
"""

CREATE_TITLE = Say("Create index {name} on {table} ({columns})", "在 {table} 上创建索引 {name}（{columns}）")
DROP_TITLE = Say(
    "Drop index {name} of {table} ({scans:count} scans recorded)",
    "删除 {table} 的索引 {name}（记录到 {scans:count} 次扫描）",
)
REBUILD_TITLE = Say("Rebuild index {name} of {table}", "重建 {table} 的索引 {name}")
LOCK = Say(
    "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on; other DDL, VACUUM and ANALYZE of the table wait",
    "对 {table} 加 SHARE UPDATE EXCLUSIVE 锁：读写不受影响；该表的其他 DDL、VACUUM 和 ANALYZE 会等待",
)
BUILD_MORE = Say(
    "sorting, and waiting for transactions that are open now, come on top",
    "排序以及等待当前未结束的事务另需时间",
)
DROP_DURATION = Say(
    "a change of the catalogue only, but it waits for transactions that use the table",
    "只修改系统目录，但会等待正在使用该表的事务",
)
INVALID_LEFT = Say(
    "a failed build leaves an invalid index; then: {cleanup}", "创建失败会留下无效索引，届时执行：{cleanup}"
)
CREATE_VERIFY = Say(
    "the index is valid, and the planner's cost of finding rows by its columns falls",
    "索引有效，并且按这些列查找行的规划代价下降",
)
DROP_VERIFY = Say("the index is gone and its space is free", "索引已消失，空间已释放")
REBUILD_VERIFY = Say("the index is valid and smaller", "索引有效且更小")
SERVES = Say("it enforces uniqueness: without it wrong rows can come in", "它保证唯一性：删除后可能写入错误数据")
USED = Say(
    "queries have used it {scans:count} times since the statistics began", "自统计开始以来查询使用了它 {scans:count} 次"
)
REBUILD_NOTE = Say("nothing to undo: the index is the same, only built anew", "无需撤销：索引不变，只是重新构建")


class CreateIndexArguments(Arguments):
    """`columns` in order; names only."""

    table: str
    columns: list[str] = Field(min_length=1, max_length=32)
    include: list[str] = Field(default_factory=list, max_length=32)
    unique: bool = False
    method: Method = "btree"
    name: str | None = Field(default=None, max_length=63)


class IndexArguments(Arguments):
    """One index by name."""

    index: str


async def compose_create(probe: Probe, arguments: CreateIndexArguments, instance_id: str) -> Change:
    table = await find_table(probe, arguments.table, "rmp")
    if table.kind == "p":
        raise RequestError(
            f"{table.qualified} is partitioned: PostgreSQL cannot build its indexes concurrently; index each partition"
        )
    await _check_columns(probe, table, [*arguments.columns, *arguments.include])
    name = arguments.name or await _free_name(probe, table, arguments.columns)
    taken = await one(probe, _INDEX, (name, table.schema))
    if taken is not None:
        raise RequestError(f"There is an index {qualified(table.schema, name)} already; choose another name")
    drop = f"DROP INDEX CONCURRENTLY {qualified(table.schema, name)}"
    return Change(
        tool="create_index",
        instance_id=instance_id,
        arguments=arguments.model_dump() | {"table": table.qualified, "name": name},
        statements=(_create(arguments, table, name),),
        title=CREATE_TITLE(name=name, table=table.qualified, columns=", ".join(arguments.columns)),
        lock=LOCK(table=table.qualified),
        duration=await reading_time(probe, table, 2 * table.size_bytes, BUILD_MORE),
        risk="medium" if arguments.unique else "low",
        verify=CREATE_VERIFY(),
        state={"table": table.qualified, "table_oid": table.oid, "index": None},
        facts={"busy": await is_busy(probe, table.oid), "size_bytes": table.size_bytes},
        rollback=(drop,),
        caution=INVALID_LEFT(cleanup=drop),
        size_bytes=table.size_bytes,
        lock_timeout_seconds=CONCURRENT_LOCK_SECONDS,
    )


def _create(arguments: CreateIndexArguments, table: Relation, name: str) -> str:
    unique = "UNIQUE " if arguments.unique else ""
    columns = ", ".join(quote_identifier(each) for each in arguments.columns)
    method = "" if arguments.method == "btree" else f" USING {arguments.method}"
    include = (
        f" INCLUDE ({', '.join(quote_identifier(each) for each in arguments.include)})" if arguments.include else ""
    )
    return (
        f"CREATE {unique}INDEX CONCURRENTLY {quote_identifier(name)} ON {table.qualified}{method} ({columns}){include}"
    )


async def _check_columns(probe: Probe, table: Relation, columns: list[str]) -> None:
    known = [row["name"] for row in await rows(probe, _COLUMNS, (table.oid,))]
    missing = [each for each in columns if each not in known]
    if missing:
        raise RequestError(
            f"{table.qualified} has no column {', '.join(repr(each[:63]) for each in missing)};"
            f" it has {', '.join(known[:40])}"
        )


async def _free_name(probe: Probe, table: Relation, columns: list[str]) -> str:
    base = clip_identifier("_".join([table.name, *columns]), 55)
    for suffix in ("_idx", *(f"_idx{number}" for number in range(1, 100))):
        taken = await one(
            probe,
            "SELECT 1 AS taken FROM pg_catalog.pg_class AS c"
            " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname = %s AND n.nspname = %s",
            (base + suffix, table.schema),
        )
        if taken is None:
            return base + suffix
    raise RequestError(f"Name the index: a hundred names like {base}_idx are taken")


async def _index(probe: Probe, name: str) -> dict[str, Any]:
    relation = await find_relation(probe, name, "iI", "index")
    index = await one(probe, _INDEX, (relation.name, relation.schema))
    if index is None:
        raise NotFound(f"There is no index {relation.qualified}")
    if index["kind"] == "I" or index["is_partition"]:
        raise RequestError(f"{relation.qualified} belongs to a partitioned index, which has no concurrent change")
    if index["schema"] == "pg_catalog":
        raise RequestError(f"{relation.qualified} belongs to the server itself and is not changed")
    return index


def _state(index: dict[str, Any]) -> dict[str, Any]:
    return {
        "index": qualified(index["schema"], index["name"]),
        "index_oid": index["oid"],
        "definition": index["definition"],
        "valid": index["valid"],
    }


async def compose_drop(probe: Probe, arguments: IndexArguments, instance_id: str) -> Change:
    index = await _index(probe, arguments.index)
    name = qualified(index["schema"], index["name"])
    if index["constraint_name"]:
        raise RequestError(
            f"{name} belongs to the constraint {index['constraint_name']}; it goes only with its constraint"
        )
    if index["replica_identity"]:
        raise RequestError(f"{name} is the replica identity of its table; logical replication needs it")
    table = qualified(index["table_schema"], index["table_name"])
    caution = SERVES() if index["is_unique"] else USED(scans=index["scans"]) if index["scans"] else None
    return Change(
        tool="drop_index",
        instance_id=instance_id,
        arguments={"index": name},
        statements=(f"DROP INDEX CONCURRENTLY {name}",),
        title=DROP_TITLE(name=name, table=table, scans=index["scans"]),
        lock=LOCK(table=table),
        duration=DROP_DURATION(),
        risk="high" if index["is_unique"] else "medium" if index["scans"] else "low",
        verify=DROP_VERIFY(),
        state=_state(index),
        facts={"drops": True},
        rollback=(concurrently(index["definition"]),),
        caution=caution,
        size_bytes=index["size_bytes"],
        lock_timeout_seconds=CONCURRENT_LOCK_SECONDS,
    )


def concurrently(definition: str) -> str:
    """The server's definition of an index as a statement that builds it without stopping writers."""
    for head in ("CREATE UNIQUE INDEX ", "CREATE INDEX "):
        if definition.startswith(head):
            return f"{head}CONCURRENTLY {definition.removeprefix(head)}"
    return definition


async def compose_rebuild(probe: Probe, arguments: IndexArguments, instance_id: str) -> Change:
    index = await _index(probe, arguments.index)
    name, table_name = qualified(index["schema"], index["name"]), qualified(index["table_schema"], index["table_name"])
    table = Relation(index["table_oid"], index["table_schema"], index["table_name"], "r", index["table_bytes"], 0, 0, 0)
    cleanup = f"DROP INDEX CONCURRENTLY {qualified(index['schema'], clip_identifier(index['name'], 58) + '_ccnew')}"
    return Change(
        tool="rebuild_index",
        instance_id=instance_id,
        arguments={"index": name},
        statements=(f"REINDEX INDEX CONCURRENTLY {name}",),
        title=REBUILD_TITLE(name=name, table=table_name),
        lock=LOCK(table=table_name),
        duration=await reading_time(probe, table, 2 * table.size_bytes, BUILD_MORE),
        risk="low",
        verify=REBUILD_VERIFY(),
        state=_state(index),
        facts={"rewrites": True, "busy": await is_busy(probe, index["table_oid"])},
        rollback_note=REBUILD_NOTE(),
        caution=INVALID_LEFT(cleanup=cleanup),
        size_bytes=index["size_bytes"],
        lock_timeout_seconds=CONCURRENT_LOCK_SECONDS,
    )


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    """The index as it is; for a new one, what finding rows by its columns costs the planner."""
    if change.tool != "create_index":
        index = await _named(probe, str(change.arguments["index"]))
        return {"index_exists": index is not None} | (
            {"index_bytes": index["size_bytes"], "index_valid": index["valid"]} if index else {}
        )
    index = await _named(probe, _new_name(change.arguments))
    found: dict[str, Any] = {"index_exists": index is not None}
    if index is not None:
        found |= {"index_bytes": index["size_bytes"], "index_valid": index["valid"]}
    return found | await _cost(probe, change.arguments)


async def _cost(probe: Probe, arguments: Json) -> dict[str, Any]:
    conditions = " AND ".join(
        f"{quote_identifier(column)} = ${number}" for number, column in enumerate(arguments["columns"], 1)
    )
    try:
        plan = await probe.explain(f"SELECT 1 FROM {arguments['table']} WHERE {conditions}")
    except HousecallError:
        return {}  # the role may not read the table, or a column has no equality; the rest is still worth telling
    root = plan[0]["Plan"]
    return {"planner_cost": root["Total Cost"], "planner_uses": ", ".join(sorted(_indexes_of(root))) or "no index"}


def _indexes_of(node: dict[str, Any]) -> set[str]:
    found = {node["Index Name"]} if "Index Name" in node else set()
    for each in node.get("Plans", ()):
        found |= _indexes_of(each)
    return found


def _new_name(arguments: Json) -> str:
    schema, _ = name_parts(str(arguments["table"]))
    return qualified(schema or "public", str(arguments["name"]))


async def _named(probe: Probe, name: str) -> dict[str, Any] | None:
    try:
        relation = await find_relation(probe, name, "i", "index")
    except NotFound:
        return None
    return await one(probe, _INDEX, (relation.name, relation.schema))


async def look_up(probe: Probe, tool: str, arguments: Json, state: Json, _since: str) -> Told:
    name = _new_name(arguments) if tool == "create_index" else str(arguments["index"])
    building = await one(probe, _BUILDING, (f"%{name_parts(name)[1]}%",))
    if building and building["sessions"]:
        return Told("running", f"The server still works on {name}.")
    index = await _named(probe, name)
    if tool == "drop_index":
        if index is None:
            return Told("happened", f"{name} is gone.")
        return Told("not_happened", f"{name} is still there{'' if index['valid'] else ', invalid'}.")
    if index is None:
        return Told("not_happened", f"There is no index {name}.")
    if not index["valid"]:
        return Told("not_happened", f"{name} is there but invalid.", (f"DROP INDEX CONCURRENTLY {name}",))
    if tool == "create_index":
        return Told("happened", f"{name} is there and valid.")
    if index["oid"] != state["index_oid"]:
        return Told("happened", f"{name} was built anew.")
    return Told("not_happened", f"{name} is the index that it was.")


async def leftovers(probe: Probe, change: Change) -> tuple[str, ...]:
    """Statements that remove what a failed concurrent build left."""
    name = _new_name(change.arguments) if change.tool == "create_index" else str(change.arguments["index"])
    if change.tool == "rebuild_index":
        schema, bare = name_parts(name)
        name = qualified(schema or "public", clip_identifier(bare, 58) + "_ccnew")
    index = await _named(probe, name)
    return (f"DROP INDEX CONCURRENTLY {name}",) if index is not None and not index["valid"] else ()
