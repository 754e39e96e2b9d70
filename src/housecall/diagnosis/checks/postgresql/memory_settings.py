"""Memory settings that are far off for the machine or for each other.

Why it matters: shared_buffers at its 128 MB default starves a large database; too much memory promised to too many
sessions ends
with the operating system killing the server.
How to fix: the values named with each finding; shared_buffers and max_connections need a restart.
Cannot see: the machine's memory without pg_read_server_files; a container's limit. Then only settings are compared.
Source: PostgreSQL manual, "Resource Consumption": shared_buffers reasonably starts at 25 % of memory, over 40 %
seldom helps.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting_number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import DatabaseCounters, MachineMemory
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Message, Say, Value

_MB = 1024 * 1024
CHECK = Check(
    id="postgresql.memory_settings",
    item="resource_usage",
    severity=Severity.NOTICE,
    title=Say(en="Memory settings far off", zh="内存参数明显不合适"),
    thresholds=[
        Threshold("default_buffers", 128 * _MB, "the value that initdb writes whatever the machine"),
        Threshold("large_database", 1024 * _MB, "eight times the default cache: it cannot hold the hot part"),
        Threshold("max_buffers_share", 0.4, "of memory; the manual's own limit"),
        Threshold(
            "max_connections", 500, "each session costs memory and snapshot time; beyond this a pooler serves better"
        ),
        Threshold("max_work_mem_share", 0.25, "work_mem of a quarter of max_connections against memory"),
        Threshold("small_work_mem", 1 * _MB, "a quarter of the default of 4 MB; nearly every sort goes to disk"),
        Threshold(
            "small_maintenance", 16 * _MB, "a quarter of the default of 64 MB; VACUUM passes over indexes repeatedly"
        ),
    ],
)
_DEFAULT_BUFFERS = Say(
    en="shared_buffers is at its default of {value:bytes} for a database of {size:bytes}.",
    zh="数据库有 {size:bytes}，shared_buffers 仍是默认的 {value:bytes}。",
)
_TOO_MANY_BUFFERS = Say(
    en="shared_buffers is {value:bytes}, {share:percent} of the machine's {memory:bytes}.",
    zh="shared_buffers 为 {value:bytes}，占机器内存 {memory:bytes} 的 {share:percent}。",
)
_SMALL_CACHE = Say(
    en="effective_cache_size ({value:bytes}) is below shared_buffers ({buffers:bytes}): the planner thinks index"
    " pages are not cached.",
    zh="effective_cache_size（{value:bytes}）小于 shared_buffers（{buffers:bytes}）：优化器会以为索引页不在缓存中。",
)
_CONNECTIONS = Say(
    en="max_connections is {value:count}: so many sessions cost memory and snapshot time; a pooler needs a tenth.",
    zh="max_connections 为 {value:count}：过多会话消耗内存并拖慢快照；使用连接池只需十分之一。",
)
_WORK_MEM = Say(
    en="work_mem {value:bytes} for a quarter of {connections:count} connections is {sum:bytes} of the machine's"
    " {memory:bytes}.",
    zh="按四分之一的 {connections:count} 个连接计，work_mem {value:bytes} 合计 {sum:bytes}，机器内存只有 "
    "{memory:bytes}。",
)
_SMALL_WORK_MEM = Say(
    en="work_mem is {value:bytes}: nearly every sort and hash goes through temporary files.",
    zh="work_mem 只有 {value:bytes}：几乎所有排序和哈希都会落到临时文件。",
)
_SMALL_MAINTENANCE = Say(
    en="maintenance_work_mem is {value:bytes}: VACUUM and index builds pass over their data again and again.",
    zh="maintenance_work_mem 只有 {value:bytes}：VACUUM 和建索引要反复扫描数据。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(ServerSetting)
    memory, size = _machine(now), _database_bytes(now)
    buffers = setting_number(now, "shared_buffers") or 0.0
    cache = setting_number(now, "effective_cache_size") or 0.0
    connections = setting_number(now, "max_connections") or 0.0
    work, upkeep = setting_number(now, "work_mem") or 0.0, setting_number(now, "maintenance_work_mem") or 0.0
    if 0 < buffers <= limits["default_buffers"] and size >= limits["large_database"]:
        yield _finding("shared_buffers", buffers, _DEFAULT_BUFFERS(value=buffers, size=size), memory, size)
    if memory and buffers > limits["max_buffers_share"] * memory:
        yield _finding(
            "shared_buffers",
            buffers,
            _TOO_MANY_BUFFERS(value=buffers, share=buffers / memory, memory=memory),
            memory,
            size,
        )
    if 0 < cache < buffers:
        yield _finding("effective_cache_size", cache, _SMALL_CACHE(value=cache, buffers=buffers), memory, size)
    if connections > limits["max_connections"]:
        yield _finding("max_connections", connections, _CONNECTIONS(value=connections), memory, size, "count")
    if memory and work * connections / 4 > limits["max_work_mem_share"] * memory:
        total = work * connections / 4
        message = _WORK_MEM(value=work, connections=connections, sum=total, memory=memory)
        yield _finding("work_mem", work, message, memory, size)
    elif 0 < work < limits["small_work_mem"]:
        yield _finding("work_mem", work, _SMALL_WORK_MEM(value=work), memory, size)
    if 0 < upkeep < limits["small_maintenance"]:
        yield _finding("maintenance_work_mem", upkeep, _SMALL_MAINTENANCE(value=upkeep), memory, size)


def _machine(now: Snapshot) -> int | None:
    rows = now.get(MachineMemory)
    return None if isinstance(rows, Unavailable) or not rows else rows[0].memory_bytes


def _database_bytes(now: Snapshot) -> int:
    rows = now.get(DatabaseCounters)
    return 0 if isinstance(rows, Unavailable) or not rows else rows[0].heap_bytes + rows[0].index_bytes


def _finding(name: str, value: float, message: Message, memory: int | None, size: int, unit: str = "bytes") -> Finding:
    evidence = measured(ServerSetting, **{name: (value, unit)})
    if memory is not None:
        evidence += measured(MachineMemory, memory=(memory, "bytes"))
    evidence += measured(DatabaseCounters, database_size=(size, "bytes"))
    details: dict[str, Value] = {"name": name, "value": value, "memory": memory, "database_bytes": size}
    return Finding(CHECK.id, CHECK.item, Severity.NOTICE, name, "setting", message, evidence, details)
