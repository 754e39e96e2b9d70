"""Which instances there are, and what one of them is."""

from typing import Any

from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult, ask
from housecall.agent.tools.registry import ToolSpec
from housecall.agent.tools.relations import written_name
from housecall.engines.engine import EngineName
from housecall.wording import Say

MAX_INSTANCES = 50


class InstanceLine(ToolResult):
    instance_id: str
    engine: str
    version: str | None
    region: str
    address: str
    description: str


class InstanceList(ToolResult):
    instances: list[InstanceLine]
    shown: int
    total: int


class TableSize(ToolResult):
    """A table with its indexes; `indexes_bytes` is None where a lock on the table kept us from measuring."""

    table: str
    total_bytes: int
    indexes_bytes: int | None


class InstanceAttributes(ToolResult):
    instance_id: str
    engine: str
    version: str
    region: str
    address: str
    description: str
    database: str
    database_bytes: int
    tables: int
    largest_tables: list[TableSize]
    max_connections: int
    shared_buffers: str | None = None
    buffer_pool_bytes: int | None = None
    server_time_zone: str
    uptime_seconds: int
    is_replica: bool
    connected_as: str
    connected_as_superuser: bool
    has_monitor_role: bool
    extensions: list[str]


async def describe_db_instances(ctx: Context) -> InstanceList:
    known = await ctx.deps.instances.list_instances(ctx.deps.turn.account_id)
    lines = [
        InstanceLine(
            instance_id=each.id,
            engine=each.engine,
            version=each.version,
            region=each.region,
            address=each.target.address,
            description=clip(each.description, 100),
        )
        for each in known[:MAX_INSTANCES]
    ]
    return InstanceList(instances=lines, shown=len(lines), total=len(known))


async def describe_db_instance_attribute(ctx: Context, instance_id: InstanceId = None) -> InstanceAttributes:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        facts = probe.facts
        size = (await ask(probe, instance.engine, "size"))[0]
        largest = await ask(probe, instance.engine, "largest_tables")
    return InstanceAttributes(
        instance_id=instance.id,
        engine=instance.engine,
        version=facts.version.text,
        region=instance.region,
        address=instance.target.address,
        description=clip(instance.description, 200),
        database=facts.database,
        uptime_seconds=round(facts.uptime_seconds),
        is_replica=facts.in_recovery,
        connected_as=facts.user,
        connected_as_superuser=facts.is_superuser,
        has_monitor_role=facts.has_monitor_role,
        extensions=list(facts.extensions[:60]),
        largest_tables=[_table_size(instance.engine, row) for row in largest],
        **size,
    )


def _table_size(engine: EngineName, row: dict[str, Any]) -> TableSize:
    return TableSize(
        table=written_name(engine, row["schema_name"], row["name"]),
        total_bytes=row["total_bytes"],
        indexes_bytes=row["indexes_bytes"],
    )


TOOLS = (
    ToolSpec(
        "describe_db_instances",
        "read",
        Say(
            en="Lists the database instances that can be asked about: id, engine, version, address.",
            zh="列出可查询的数据库实例：ID、引擎、版本、地址。",
            tc="列出可查詢的資料庫執行個體：ID、引擎、版本、位址。",
            ja="照会できるデータベースインスタンスの一覧（ID、エンジン、バージョン、アドレス）。",
        ),
        describe_db_instances,
    ),
    ToolSpec(
        "describe_db_instance_attribute",
        "read",
        Say(
            en="What one instance is: version, role, uptime, size, largest tables, extensions, and Housecall's rights.",
            zh="单个实例的属性：版本、主备角色、运行时长、大小和最大的表、扩展，以及 Housecall 在其上的权限。",
            tc="單一執行個體的屬性：版本、主備角色、執行時間、大小、最大的資料表、擴充套件，以及 Housecall 的權限。",
            ja="インスタンスの属性：バージョン、役割、稼働時間、サイズと最大の表、拡張、Housecall の権限。",
        ),
        describe_db_instance_attribute,
    ),
)
