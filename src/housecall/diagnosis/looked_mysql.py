"""What an examination of MySQL or MariaDB looked at, in figures, topic by topic; `looked` serves it."""

from collections.abc import Callable, Mapping

from housecall.diagnosis.checks._text import listed
from housecall.diagnosis.checks.mysql._counters import age_seconds, number, switch
from housecall.diagnosis.checks.mysql._measured import counter, index_name, table_name
from housecall.diagnosis.snapshot import ReadingUnavailable, Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.indexes import OverlappingIndexes, UnusedIndex
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.replication import ReplicaStatus
from housecall.engines.mysql.rows.server import (
    BinaryLogs,
    ChangedVariable,
    Database,
    InnodbMetric,
    PersistedVariable,
    Variable,
)
from housecall.engines.mysql.rows.sessions import LockWait, Session, SessionGroup
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.engines.mysql.rows.tables import AutoIncrement, FragmentedTable, TableWithoutKey
from housecall.wording import Message, Say, format_bytes

_LOCKS = Say(
    "at most {waiting:count} session{waiting:|s} waited for a row lock in {looks:count} look{looks:|s};"
    " {waits:count} wait{waits:|s} and {deadlocks:count} deadlock{deadlocks:|s} counted in {age:duration}",
    "{looks:count} 次采样中最多有 {waiting:count} 个会话在等行锁；{age:duration} 内共等待 {waits:count} 次，"
    "死锁 {deadlocks:count} 次",
)
_CONNECTIONS = Say(
    "{used:count} of {usable:count} connections in use, at most {peak:count} so far; most of them,"
    " {group:count}, held by"
    " {holder}",
    "{usable:count} 个可用连接已使用 {used:count} 个，历史最高 {peak:count} 个；其中最多的是 {holder}，占"
    " {group:count} 个",
)
_ALONE = Say(
    "no session but our own: {used:count} of {usable:count} connections in use, at most {peak:count} so far",
    "除本次检查外没有其他会话：{usable:count} 个可用连接已使用 {used:count} 个，历史最高 {peak:count} 个",
)
_STATEMENTS = Say(
    "{digests:count} kind{digests:|s} of statement{digests:|s} took {all:duration} in all; the costliest took"
    " {top:duration}"
    " in {calls:count} call{calls:|s}",
    "共 {digests:count} 类语句，累计耗时 {all:duration}；最费时的一类执行 {calls:count} 次，耗时 {top:duration}",
)
_RUNNING = Say(
    "{running:count} sighting{running:|s} of a running statement in {looks:count} look{looks:|s}; what"
    " statements cost is"
    " not counted here",
    "{looks:count} 次采样中见到 {running:count} 次正在运行的语句；此服务器未统计语句开销",
)
_MEMORY = Say(
    "{hit:percent} of {requests:count} page requests were answered from the buffer pool of {pool:bytes}, {reads:count}"
    " read{reads:|s} went to disk; {free:percent} of the pool"
    " is free;"
    " {disk:count} of {temporary:count} temporary table{temporary:|s} on disk, {passes:count} merge pass{passes:|es} of"
    " sorts",
    "{requests:count} 次页请求中 {hit:percent} 由 {pool:bytes} 的缓冲池应答，{reads:count} 次从磁盘读取；缓冲池空闲"
    " {free:percent}；{temporary:count} 个临时表中"
    " {disk:count} 个"
    "落盘，排序归并 {passes:count} 次",
)
_PURGE = Say(
    "{length:count} transaction{length:|s} not yet purged; the oldest open one is {oldest:duration} old; {free:count}"
    " table{free:|s} with more than 16 MB free inside",
    "未清理的历史事务 {length:count} 个；最老的未结束事务已持续 {oldest:duration}；内部空闲超过 16 MB 的表"
    " {free:count} 张",
)
_NONE_OPEN = Say(
    "{length:count} transaction{length:|s} not yet purged, none open; {free:count} table{free:|s} with more than 16 MB"
    " free inside",
    "未清理的历史事务 {length:count} 个，没有未结束的事务；内部空闲超过 16 MB 的表 {free:count} 张",
)
_REPLICATION = {
    True: Say(
        "{channels:count} channel{channels:|s} of replication from a source; the binary log is on: {files:count}"
        " file{files:|s}, {size:bytes}",
        "从主库复制的通道 {channels:count} 个；binlog 已开启，{files:count} 个文件，{size:bytes}",
    ),
    False: Say(
        "{channels:count} channel{channels:|s} of replication from a source; the binary log is off, so no replica can"
        " follow",
        "从主库复制的通道 {channels:count} 个；binlog 未开启，因此不可能有从库",
    ),
}
_DISK = Say(
    "tables take {data:bytes} and indexes {indexes:bytes} in {databases:count} database{databases:|s}; binary logs take"
    " {logs:bytes}",
    "{databases:count} 个库中表占 {data:bytes}，索引占 {indexes:bytes}；binlog 占 {logs:bytes}",
)
_INDEXES = Say(
    "{pairs:count} index{pairs:|es} repeated or covered by another, {unused:count} without a read since the start,"
    " {keyless:count} table{keyless:|s} without primary key",
    "重复或被其他索引覆盖的索引 {pairs:count} 个，启动以来未被读取 {unused:count} 个，无主键的表 {keyless:count} 张",
)
_UNUSED = Say(
    "{unused:count} index{unused:|es} without a read since the start of the server, {age:duration} ago{names}",
    "服务器启动（{age:duration} 前）以来未被读取的索引有 {unused:count} 个{names}",
)
_DUPLICATES = Say(
    "{pairs:count} index{pairs:|es} repeated or covered by another, which stands in brackets{names}",
    "重复或被其他索引（见括号）覆盖的索引有 {pairs:count} 个{names}",
)
_FOREIGN_KEYS = Say(
    "InnoDB makes an index for each foreign key by itself when there is none, so none lacks one",
    "InnoDB 会自动为缺少索引的外键创建索引，因此没有缺少索引的外键",
)
_KEYS = Say(
    "{keys:count} AUTO_INCREMENT column{keys:|s}; the fullest, {name}, has used {share:percent} of its range",
    "共 {keys:count} 个自增列；用得最多的 {name} 已用掉取值范围的 {share:percent}",
)
_NO_KEYS = Say("there is no AUTO_INCREMENT column in use", "没有使用中的自增列")
_CONFIGURATION = Say(
    "{settings:count} setting{settings:|s} judged, {changed:count} not at their default, {pending:count} kept"
    " for the next"
    " start",
    "检查了 {settings:count} 项参数，{changed:count} 项不是默认值，为下次启动持久化 {pending:count} 项",
)


def _locks(now: Snapshot) -> Message:
    sessions = now.rows(Session)
    looks = [sample.rows(Session) for sample in now.samples] or [sessions]
    waits = now.get(LockWait)
    direct = 0 if isinstance(waits, Unavailable) else len({row.waiting_id for row in waits})
    return _LOCKS(
        waiting=max(direct, *(sum(row.lock_wait_seconds is not None for row in look) for look in looks)),
        looks=len(looks),
        waits=counter(now, "Innodb_row_lock_waits"),
        deadlocks=_deadlocks(now),
        age=age_seconds(now),
    )


def _deadlocks(now: Snapshot) -> float | None:
    metrics = now.get(InnodbMetric)
    found = None if isinstance(metrics, Unavailable) else [row.value for row in metrics if row.name == "lock_deadlocks"]
    return found[0] if found else counter(now, "Innodb_deadlocks")


def _connections(now: Snapshot) -> Message:
    largest = max(now.rows(SessionGroup), key=lambda each: each.sessions, default=None)
    counts = {
        "used": counter(now, "Threads_connected"),
        "usable": number(now, "max_connections"),
        "peak": counter(now, "Max_used_connections"),
    }
    if largest is None:
        return _ALONE(**counts)
    holder = f"{largest.user_name} ({largest.client or 'localhost'})"
    return _CONNECTIONS(**counts, group=largest.sessions, holder=holder)


def _statements(now: Snapshot) -> Message:
    rows = now.get(TopStatement)
    if isinstance(rows, Unavailable) or not rows:
        now.rows(Session)
        running = sum(row.command == "Query" for sample in now.samples for row in sample.rows(Session))
        return _RUNNING(running=running, looks=len(now.samples))
    top = max(rows, key=lambda row: row.total_seconds)
    return _STATEMENTS(digests=top.digests, all=top.all_seconds, top=top.total_seconds, calls=top.calls)


def _memory(now: Snapshot) -> Message:
    reads = counter(now, "Innodb_buffer_pool_reads")
    requests, pages = counter(now, "Innodb_buffer_pool_read_requests"), counter(now, "Innodb_buffer_pool_pages_total")
    free = counter(now, "Innodb_buffer_pool_pages_free")
    return _MEMORY(
        hit=max(0.0, 1 - reads / requests) if reads is not None and requests else None,
        requests=requests,
        reads=reads,
        pool=number(now, "innodb_buffer_pool_size"),
        free=free / pages if free is not None and pages else None,
        disk=counter(now, "Created_tmp_disk_tables"),
        temporary=counter(now, "Created_tmp_tables"),
        passes=counter(now, "Sort_merge_passes"),
    )


def _purge(now: Snapshot) -> Message:
    (status,) = now.rows(InnodbStatus)[:1] or (None,)
    length = status.history_list_length if status else counter(now, "Innodb_history_list_length")
    open_seconds = [row.transaction_seconds for row in now.rows(Session) if row.transaction_seconds is not None]
    free = len(now.rows(FragmentedTable))
    if not open_seconds:
        return _NONE_OPEN(length=length, free=free)
    return _PURGE(length=length, oldest=max(open_seconds), free=free)


def _replication(now: Snapshot) -> Message:
    logs = _binary_logs(now)
    return _REPLICATION[bool(switch(now, "log_bin"))](
        channels=len(now.rows(ReplicaStatus)), files=logs.files if logs else 0, size=logs.size_bytes if logs else 0
    )


def _binary_logs(now: Snapshot) -> BinaryLogs | None:
    """None where none are written. Raises ReadingUnavailable where they may not be seen."""
    rows = now.get(BinaryLogs)
    if isinstance(rows, Unavailable):
        if switch(now, "log_bin"):
            raise ReadingUnavailable(rows)
        return None
    return rows[0] if rows else None


def _disk(now: Snapshot) -> Message:
    databases, logs = now.rows(Database), _binary_logs(now)
    return _DISK(
        data=sum(row.data_bytes for row in databases),
        indexes=sum(row.index_bytes for row in databases),
        databases=len(databases),
        logs=logs.size_bytes if logs else 0,
    )


def _indexes(now: Snapshot) -> Message:
    keyless = now.rows(TableWithoutKey)
    unused = now.get(UnusedIndex)
    return _INDEXES(
        pairs=len({(row.schema_name, row.table_name, row.index_name) for row in now.rows(OverlappingIndexes)}),
        unused=None if isinstance(unused, Unavailable) else unused[0].indexes if unused else 0,
        keyless=keyless[0].tables if keyless else 0,
    )


def _unused(now: Snapshot) -> Message:
    rows = now.rows(UnusedIndex)
    names = [
        f"{index_name(row.schema_name, row.table_name, row.index_name)} ({format_bytes(row.size_bytes)})"
        for row in rows
    ]
    return _UNUSED(unused=rows[0].indexes if rows else 0, age=age_seconds(now), names=listed(names))


def _duplicates(now: Snapshot) -> Message:
    lesser: dict[tuple[str, str, str], str] = {}  # two equal indexes may come as two pairs, one each way
    for row in now.rows(OverlappingIndexes):
        if (row.schema_name, row.table_name, row.other_name) not in lesser:
            lesser[row.schema_name, row.table_name, row.index_name] = row.other_name
    names = [f"{index_name(*names)} ({quote_identifier(other)})" for names, other in lesser.items()]
    return _DUPLICATES(pairs=len(lesser), names=listed(names))


def _foreign_keys(_now: Snapshot) -> Message:
    return _FOREIGN_KEYS()


def _keys(now: Snapshot) -> Message:
    rows = now.rows(AutoIncrement)
    if not rows:
        return _NO_KEYS()
    fullest = max(rows, key=_used)
    name = f"{table_name(fullest.schema_name, fullest.table_name)}.{fullest.column_name}"
    return _KEYS(keys=fullest.keys_total, name=name, share=_used(fullest))


def _used(row: AutoIncrement) -> float:
    return (row.next_value - 1) / row.max_value


def _configuration(now: Snapshot) -> Message:
    changed, kept = now.get(ChangedVariable), now.get(PersistedVariable)
    return _CONFIGURATION(
        settings=len(now.rows(Variable)),
        changed=None if isinstance(changed, Unavailable) else len(changed),
        pending=0 if isinstance(kept, Unavailable) else len(kept),
    )


LOOKS: Mapping[str, Callable[[Snapshot], Message]] = {
    "locks": _locks,
    "connections": _connections,
    "statements": _statements,
    "memory": _memory,
    "vacuum": _purge,
    "replication": _replication,
    "indexes": _indexes,
    "unused_indexes": _unused,
    "duplicate_indexes": _duplicates,
    "foreign_keys": _foreign_keys,
    "disk": _disk,
    "keys": _keys,
    "configuration": _configuration,
}
