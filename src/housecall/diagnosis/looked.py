"""What an examination looked at, in figures, topic by topic: what an answer says where nothing is wrong.

"Nothing found" is worth as much as what was looked at. Every figure is a value of the snapshot; a topic whose readings
could not be had is left out, since the checks say so. Topics carry the names that questions use.
"""

from collections.abc import Callable, Mapping

from housecall.diagnosis import looked_mysql
from housecall.diagnosis.checks._text import listed
from housecall.diagnosis.checks.postgresql._measured import statistics_seconds, table_name
from housecall.diagnosis.snapshot import ReadingUnavailable, Snapshot
from housecall.engines.engine import RowT, Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.connections import SessionGroup, UpkeepSettings
from housecall.engines.postgresql.rows.indexes import BareForeignKey, InvalidIndex, OverlappingIndexes, UnusedIndex
from housecall.engines.postgresql.rows.keys import NumberKey
from housecall.engines.postgresql.rows.memory import Checkpoints, DatabaseCounters
from housecall.engines.postgresql.rows.replication import Archiver, ReplicaStatus, ReplicationSlot, Standby
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
from housecall.engines.postgresql.rows.statements import RunningStatement
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.engines.postgresql.rows.vacuum import TransactionAge, VacuumTable, VacuumWorker
from housecall.wording import Message, Say, format_bytes

_REPLICATION = {
    False: Say(
        "{standbys:count} standby{standbys:|s} connected, {slots:count} replication slot{slots:|s}, not in recovery (so"
        " this is no standby itself); WAL archiving is {archiving}",
        "已连接备库 {standbys:count} 个，复制槽 {slots:count} 个，不处于恢复状态（即自身不是备库）；"
        "WAL 归档：{archiving}",
    ),
    True: Say(
        "this server is a standby (in recovery), {unreplayed:bytes} of received WAL not yet replayed; {standbys:count}"
        " standby{standbys:|s} and {slots:count} slot{slots:|s} of its own",
        "本服务器是备库（处于恢复状态），已接收未重放的 WAL 为 {unreplayed:bytes}；其下游备库 {standbys:count} 个，"
        "复制槽 {slots:count} 个",
    ),
}
_LOCKS = Say(
    "at most {waiting:count} session{waiting:|s} waited for a lock in {looks:count} look{looks:|s}; {deadlocks:count}"
    " deadlock{deadlocks:|s} counted in {age:duration}",
    "{looks:count} 次采样中最多有 {waiting:count} 个会话在等锁；{age:duration} 内共记录死锁 {deadlocks:count} 次",
)
_CONNECTIONS = Say(
    "{used:count} of {usable:count} connections in use, at most {peak:count} seen during the examination; most of them,"
    " {group:count}, held by {holder}",
    "{usable:count} 个可用连接已使用 {used:count} 个，检查期间最多见到 {peak:count} 个；其中最多的是 {holder}，占"
    " {group:count} 个",
)
_NO_CONNECTIONS = Say(
    "nobody else is connected; {usable:count} connections are free",
    "没有其他会话连接；{usable:count} 个连接全部空闲",
)
_VACUUM = Say(
    "{late:count} table{late:|s} past autovacuum's threshold with 1,000 dead rows or more, {off:count} with autovacuum"
    " switched off, {workers:count} vacuum{workers:|s} running",
    "死元组不少于 1,000 且超过 autovacuum 阈值的表有 {late:count} 张，关闭了 autovacuum 的表有 {off:count} 张，"
    "正在运行的 vacuum 有 {workers:count} 个",
)
_WRAPAROUND = Say(
    "the oldest row of database {database} is {age:count} transactions old; autovacuum begins to freeze"
    " at {limit:count}",
    "数据库 {database} 中最老的行已有 {age:count} 个事务的年龄；autovacuum 从 {limit:count} 开始冻结",
)
_DISK = Say(
    "tables take {heap:bytes} and indexes {indexes:bytes}; replication slots keep {retained:bytes} of WAL;"
    " {files:count} temporary file{files:|s} written, {temporary:bytes} in all",
    "表占 {heap:bytes}，索引占 {indexes:bytes}；复制槽保留的 WAL 为 {retained:bytes}；"
    "累计写过 {files:count} 个临时文件，共 {temporary:bytes}",
)
_INDEXES = Say(
    "of {indexes:count} index{indexes:|es}: {invalid:count} invalid, {pairs:count} repeated or covered by another,"
    " {unused:count} of 1 MB or more without a scan; {keys:count} foreign key{keys:|s} without index",
    "{indexes:count} 个索引中：无效 {invalid:count} 个，重复或被其他索引覆盖 {pairs:count} 个，1 MB 以上且未被扫描"
    " {unused:count} 个；缺少索引的外键 {keys:count} 个",
)
_UNUSED = Say(
    "{unused:count} index{unused:|es} of 1 MB or more served no query in {age:duration}{names}",
    "1 MB 以上的索引中有 {unused:count} 个在 {age:duration} 内没有服务过任何查询{names}",
)
_UNUSED_YOUNG = Say(
    "{unused:count} index{unused:|es} of 1 MB or more served no query in {age:duration}, and counters so young prove"
    " nothing{names}",
    "1 MB 以上的索引中有 {unused:count} 个在 {age:duration} 内没有服务过任何查询，但统计时间太短，不能说明问题{names}",
)
YOUNG_SECONDS = 24 * 3600.0
"""As the check has it: less has not seen a whole day's work."""
_DUPLICATES = Say(
    "{pairs:count} index{pairs:|es} repeated or covered by another, which stands in brackets{names}",
    "重复或被其他索引（见括号）覆盖的索引有 {pairs:count} 个{names}",
)
_FOREIGN_KEYS = Say(
    "{keys:count} foreign key{keys:|s} {keys:has|have} no index on the referencing side{names}",
    "引用侧没有索引的外键有 {keys:count} 个{names}",
)
_MEMORY = Say(
    "{hit:percent} of {blocks:count} block requests came from shared buffers, {read:bytes} were read from outside;"
    " {files:count} temporary file{files:|s} ({temporary:bytes});"
    " {timed:count} checkpoint{timed:|s} by time and {requested:count} on demand",
    "{blocks:count} 次数据块请求中 {hit:percent} 来自共享缓冲区，从外部读取 {read:bytes}；临时文件 {files:count} 个"
    "（{temporary:bytes}）；定时检查点 {timed:count} 次，"
    "按需检查点 {requested:count} 次",
)
_KEYS = Say(
    "{sequences:count} sequence{sequences:|s}; the fullest, {name}, has used {share:percent} of its range",
    "共 {sequences:count} 个序列；用得最多的 {name} 已用掉取值范围的 {share:percent}",
)
_NO_KEYS = Say("there is no sequence in use", "没有使用中的序列")
_STATEMENTS = Say(
    "{statements:count} different statement{statements:|s} seen running in {looks:count} look{looks:|s};"
    " the longest for"
    " {longest:duration}",
    "{looks:count} 次采样中看到 {statements:count} 条不同的语句在运行，最长的已运行 {longest:duration}",
)
_NO_STATEMENTS = Say(
    "no statement was seen running in {looks:count} look{looks:|s}", "{looks:count} 次采样中没有看到正在运行的语句"
)
_CONFIGURATION = Say(
    "{settings:count} setting{settings:|s} judged, {pending:count} waiting for a restart, {stored:count}"
    " stored for roles"
    " or databases",
    "检查了 {settings:count} 项参数，等待重启生效 {pending:count} 项，按角色或数据库单独设置 {stored:count} 项",
)
_NETWORK = Say(
    "of {active:count} sighting{active:|s} of a working session in {looks:count} look{looks:|s}, {clients:count}"
    " waited for its client or the network",
    "{looks:count} 次采样中共见到活动会话 {active:count} 次，其中 {clients:count} 次在等待客户端或网络",
)

BLOCK_BYTES = 8192
Look = Callable[[Snapshot], Message]


def looked_at(now: Snapshot) -> dict[str, Message]:
    """What was looked at, by topic. Empty for an engine that has no such figures yet."""
    found = {}
    for topic, look in _LOOKS.get(now.engine, {}).items():
        try:
            found[topic] = look(now)
        except ReadingUnavailable:
            continue
    return found


def _one(now: Snapshot, row_type: type[RowT]) -> RowT:
    """The single row of a reading; a bundle made by hand may lack even that."""
    for row in now.rows(row_type):
        return row
    raise ReadingUnavailable(Unavailable(row_type.reading, "error", f"{row_type.reading} has no row"))


def _replication(now: Snapshot) -> Message:
    status, slots = _one(now, ReplicaStatus), now.rows(ReplicationSlot)
    return _REPLICATION[status.in_recovery](
        standbys=len(now.rows(Standby)),
        slots=slots[0].slot_total if slots else 0,
        unreplayed=status.unreplayed_bytes,
        archiving="on" if _one(now, Archiver).enabled else "off",
    )


def _locks(now: Snapshot) -> Message:
    looks = [sample.rows(Session) for sample in now.samples] or [now.rows(Session)]
    counters = next((row for row in now.rows(TransactionCounters) if row.is_current), None)
    return _LOCKS(
        waiting=max(rows[0].waiting_total if rows else 0 for rows in looks),
        looks=len(looks),
        deadlocks=counters.deadlocks if counters else None,
        age=counters.statistics_seconds if counters else None,
    )


def _connections(now: Snapshot) -> Message:
    groups, limits = now.rows(SessionGroup), _one(now, UpkeepSettings)
    used = groups[0].session_total if groups else 0
    seen = [rows[0].session_total for sample in now.samples if (rows := sample.rows(Session))]
    largest = max(groups, key=lambda each: each.sessions, default=None)
    usable = limits.max_connections - limits.superuser_reserved_connections - limits.reserved_connections
    if not any([used, *seen]):
        return _NO_CONNECTIONS(usable=usable)
    return _CONNECTIONS(
        used=used,
        usable=usable,
        peak=max([used, *seen]),
        group=largest.sessions if largest else 0,
        holder=_holder(largest),
    )


def _holder(group: SessionGroup | None) -> str:
    """`shop (checkout, local, idle)`, as far as the role may see it."""
    if group is None:
        return "?"
    more = ", ".join(name for name in (group.application, group.client, group.state) if name)
    return f"{group.user_name or '?'} ({more})" if more else group.user_name or "?"


def _vacuum(now: Snapshot) -> Message:
    tables = now.rows(VacuumTable)
    return _VACUUM(
        late=tables[0].past_threshold_total if tables else 0,
        off=tables[0].switched_off_total if tables else 0,
        workers=len(now.rows(VacuumWorker)),
    )


def _wraparound(now: Snapshot) -> Message:
    oldest = max(
        (row for row in now.rows(TransactionAge) if row.scope == "database"),
        key=lambda row: row.xid_age,
        default=_one(now, TransactionAge),
    )
    return _WRAPAROUND(
        database=oldest.name, age=oldest.xid_age, limit=_one(now, UpkeepSettings).autovacuum_freeze_max_age
    )


def _disk(now: Snapshot) -> Message:
    counters = _one(now, DatabaseCounters)
    return _DISK(
        heap=counters.heap_bytes,
        indexes=counters.index_bytes,
        retained=sum(slot.retained_bytes or 0 for slot in now.rows(ReplicationSlot)),
        files=counters.temp_files,
        temporary=counters.temp_bytes,
    )


def _indexes(now: Snapshot) -> Message:
    invalid, overlaps = now.rows(InvalidIndex), now.rows(OverlappingIndexes)
    unused, keys = now.rows(UnusedIndex), now.rows(BareForeignKey)
    return _INDEXES(
        indexes=_one(now, DatabaseCounters).indexes,
        invalid=invalid[0].indexes if invalid else 0,
        pairs=overlaps[0].pairs if overlaps else 0,
        unused=unused[0].indexes if unused else 0,
        keys=keys[0].keys if keys else 0,
    )


def _unused(now: Snapshot) -> Message:
    rows = now.rows(UnusedIndex)
    names = [f"{table_name(row.schema_name, row.index_name)} ({format_bytes(row.size_bytes)})" for row in rows]
    age = statistics_seconds(now)
    say = _UNUSED_YOUNG if rows and age < YOUNG_SECONDS else _UNUSED
    return say(unused=rows[0].indexes if rows else 0, age=age, names=listed(names))


def _duplicates(now: Snapshot) -> Message:
    rows = now.rows(OverlappingIndexes)
    lesser: dict[tuple[str, str], str] = {}  # two equal indexes come as two pairs, one each way
    for row in rows:
        if (row.schema_name, row.other_name) not in lesser:
            lesser[row.schema_name, row.index_name] = row.other_name
    names = [f"{table_name(schema, name)} ({table_name(schema, other)})" for (schema, name), other in lesser.items()]
    complete = not rows or rows[0].pairs <= len(rows)
    return _DUPLICATES(pairs=len(lesser) if complete else rows[0].pairs, names=listed(names))


def _foreign_keys(now: Snapshot) -> Message:
    rows = now.rows(BareForeignKey)
    names = [
        f"{table_name(row.schema_name, row.table_name)}({', '.join(map(quote_identifier, row.columns))})"
        f" → {table_name(row.parent_schema, row.parent_table)}"
        for row in rows
    ]
    return _FOREIGN_KEYS(keys=rows[0].keys if rows else 0, names=listed(names))


def _memory(now: Snapshot) -> Message:
    counters, checkpoints = _one(now, DatabaseCounters), _one(now, Checkpoints)
    blocks = counters.blocks_hit + counters.blocks_read
    return _MEMORY(
        hit=counters.blocks_hit / blocks if blocks else None,
        blocks=blocks,
        read=counters.blocks_read * BLOCK_BYTES,
        files=counters.temp_files,
        temporary=counters.temp_bytes,
        timed=checkpoints.timed,
        requested=checkpoints.requested,
    )


def _keys(now: Snapshot) -> Message:
    keys = [row for row in now.rows(NumberKey) if row.last_value is not None]
    if not keys:
        return _NO_KEYS()
    fullest = max(keys, key=_used_share)
    name = f"{fullest.schema_name}.{fullest.sequence_name}"
    return _KEYS(sequences=fullest.sequences, name=name, share=_used_share(fullest))


def _used_share(key: NumberKey) -> float:
    return key.last_value / max(1, min(key.sequence_max, key.column_max))


def _statements(now: Snapshot) -> Message:
    rows = [row for sample in now.samples for row in sample.rows(RunningStatement)]
    if not rows:
        return _NO_STATEMENTS(looks=len(now.samples))
    return _STATEMENTS(
        statements=len({row.query for row in rows}),
        looks=len(now.samples),
        longest=max(row.longest_seconds for row in rows),
    )


def _network(now: Snapshot) -> Message:
    active = [row for sample in now.samples for row in sample.rows(Session) if row.state == "active"]
    clients = sum(row.wait_event_type == "Client" for row in active)
    return _NETWORK(active=len(active), clients=clients, looks=len(now.samples))


def _configuration(now: Snapshot) -> Message:
    settings = now.rows(ServerSetting)
    return _CONFIGURATION(
        settings=len(settings),
        pending=sum(row.pending_restart for row in settings),
        stored=sum(row.is_here for row in now.rows(RoleSetting)),
    )


_LOOKS: Mapping[str, Mapping[str, Look]] = {
    "postgresql": {
        "locks": _locks,
        "connections": _connections,
        "statements": _statements,
        "memory": _memory,
        "vacuum": _vacuum,
        "wraparound": _wraparound,
        "replication": _replication,
        "indexes": _indexes,
        "unused_indexes": _unused,
        "duplicate_indexes": _duplicates,
        "foreign_keys": _foreign_keys,
        "disk": _disk,
        "keys": _keys,
        "configuration": _configuration,
        "network": _network,
    },
    "mysql": looked_mysql.LOOKS,
}
